"""Write the figures of docs/services.md: `nox -s bench -- figures`, on a computer that does nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "services.md"
BEGIN, END = "<!-- begin figures -->", "<!-- end figures -->"
PROGRAMS = ("stack", "services")


def main() -> None:
    """Run the benchmarks, and write their lines as a list."""
    lines = [f"On {os.cpu_count()} processors, with the clients on the same:", ""]
    for name in PROGRAMS:
        command = [sys.executable, str(HERE / f"{name}.py")]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this interpreter
        lines += [f"- {line}" for line in done.stdout.splitlines()]
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text("\n".join((before + BEGIN, *lines, END + after)), "utf-8")


if __name__ == "__main__":
    main()
