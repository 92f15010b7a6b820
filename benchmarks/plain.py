"""What a pytest run of somebody else pays for the plugin being installed: `nox -s bench -- plain`.

The same run of one empty test with no plugin, with testinfra's (a dependency, which pytest loads too), and with both;
the least CPU time of several turns.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 10
TESTINFRA = ("-p", "testinfra.plugin")
LUCID = ("-p", "pytest_lucid.plugin.hooks")


def seconds(folder: str, *plugins: str) -> float:
    """CPU time of one run."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins, folder]
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=folder)  # noqa: S603 - this interpreter
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure in turns, and print."""
    kinds = {"without": (), "with testinfra": TESTINFRA, "with testinfra and the plugin": (*TESTINFRA, *LUCID)}
    least = dict.fromkeys(kinds, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_empty.py").write_text("def test_empty():\n    pass\n", "utf-8")
        for _ in range(ROUNDS):
            for name, plugins in kinds.items():
                least[name] = min(least[name], seconds(folder, *plugins))
    for name, taken in least.items():
        print(f"one empty test {name}: {taken * 1000:.0f} ms, {(taken - least['without']) * 1000:+.0f} ms")


if __name__ == "__main__":
    main()
