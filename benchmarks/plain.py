"""What a pytest run of somebody else pays for the plugin being installed: `nox -s bench -- plain`.

The same run of one empty test, in turns: without any plugin, with those that come along with this one (testinfra's and
xdist's, which pytest loads too), and with this one as well. Each is found by its entry point, as where it is installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import entry_points
from pathlib import Path
from statistics import median

ROUNDS = 15
OURS = "lucid"
DEPENDENCIES = frozenset({"xdist", "xdist.looponfail", "platformdirs", "pytest11.testinfra"})
WITHOUT, DEPENDED, INSTALLED = "without", "with what it depends on", "with the plugin installed"


def arguments(keep: frozenset[str]) -> list[str]:
    """The words that keep all plugins of this environment but these from being loaded."""
    others = sorted({point.name for point in entry_points(group="pytest11")} - keep)
    return [word for name in others for word in ("-p", f"no:{name}")]


def seconds(folder: str, words: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """The time of one run, and its processor time."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words, folder]
    began, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=folder)  # noqa: S603 - this interpreter
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, busy


def measure(rounds: int = ROUNDS) -> dict[str, tuple[float, float]]:
    """The median time and processor time in seconds of each kind of run."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    bare = {**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    kinds = {
        WITHOUT: (list[str](), bare),
        DEPENDED: (arguments(DEPENDENCIES), environment),
        INSTALLED: (arguments(DEPENDENCIES | {OURS}), environment),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_empty.py").write_text("def test_empty():\n    pass\n", "utf-8")
        for turn in range(rounds + 1):
            for name, (words, variables) in kinds.items():
                one = seconds(folder, words, variables)
                if turn:  # the first compiles modules
                    taken[name].append(one)
    return {name: (median(wall for wall, _ in each), median(busy for _, busy in each)) for name, each in taken.items()}


def main() -> None:
    """Measure in turns, and print."""
    found = measure()
    for name, (wall, busy) in found.items():
        more = f"{(wall - found[WITHOUT][0]) * 1000:+.0f} ms, {wall / found[WITHOUT][0]:.2f} times"
        print(f"one empty test {name}: {wall * 1000:.0f} ms ({busy * 1000:.0f} ms of processor time), {more}")


if __name__ == "__main__":
    main()
