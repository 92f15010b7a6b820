"""Write what the documents show from what the project does: `nox -s docs`.

A block between `<!-- begin NAME -->` and `<!-- end NAME -->` is replaced by what the function NAME below returns.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from pages import write_pages
from reference import matrix

from pytest_lucid.config.options import OPTIONS
from pytest_lucid.report.json_file import schema

ROOT = Path(__file__).parents[1]
SHOWN_ROWS = 3
BLOCK = r"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"


def options() -> str:
    """The table of all options."""
    rows = ["| command line | environment | ini | what it does |", "| --- | --- | --- | --- |"]
    for option in OPTIONS:
        flag = f"{option.flag} {option.metavar}" if option.metavar else option.flag
        rows.append(f"| `{flag}` | `{option.variable}` | `{option.ini}` | {option.help} |")
    return "\n".join(rows) + "\n"


def run() -> str:
    """What `pytest --lucid-up` prints, from a real run; of pytest's own lines of dots only the first."""
    command = [sys.executable, "-m", "pytest", "--lucid-up", "--color=no", "--no-header"]
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - argv only
    return shown(done.stdout)


def shown(output: str) -> str:
    """What a run printed, as a block of Markdown."""
    lines = output.splitlines()
    dots = [number for number, line in enumerate(lines) if re.search(r"[.sx] +\[ *\d+%\]$", line)]
    if len(dots) > SHOWN_ROWS:
        lines[dots[SHOWN_ROWS] : dots[-1] + 1] = ["⋮"]
    text = "\n".join(lines)
    return f"```text\n$ pytest --lucid-up --no-header\n{text}\n```\n"


def write(document: str, name: str, content: str) -> str:
    """Replace the block called `name` in the text of a document."""
    pattern = re.compile(BLOCK.format(name=name), re.DOTALL)
    replaced, count = pattern.subn(lambda match: f"{match[1]}{content}{match[2]}", document)
    if count != 1:
        raise SystemExit(f"expected one block called {name}, found {count}")
    return replaced


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    for produce in (options,) if "--without-run" in sys.argv[1:] else (options, run):
        text = write(text, produce.__name__, produce())
    readme.write_text(text, "utf-8")
    write_pages(ROOT / "docs" / "checks")
    (ROOT / "docs" / "report.schema.json").write_text(f"{json.dumps(schema(), indent=2)}\n", "utf-8")
    (ROOT / "docs" / "matrix.md").write_text(matrix(), "utf-8")
