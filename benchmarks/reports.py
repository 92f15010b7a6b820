"""What reports cost: each writer for 50 services × 150 checks, and how soon Chromium shows the HTML.

With a file of `--lucid-json` as its argument it measures on that one; with `--stack`, what all writers together cost a
run of `pytest --lucid-up` here, which needs an engine.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from samples import broken

import pytest_lucid.report.writers as writers_module
from pytest_lucid.report import json_file
from pytest_lucid.report.writers import WRITERS
from pytest_lucid.target import evidence

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
REPEATED = 5
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
LOADED = "(() => { const t = performance.getEntriesByType('navigation')[0]; return t.loadEventEnd - t.startTime; })()"


def writers(path: Path | None) -> str:
    """Print what each writer takes in CPU time, the best of five; return the HTML."""
    report = json_file.read(path.read_text("utf-8"), str(path)) if path else broken(50, 150)
    total, page = 0.0, ""
    for name, write in WRITERS.items():
        best = None
        for _ in range(REPEATED):
            started = time.process_time()
            text = write(report)
            took = time.process_time() - started
            best = took if best is None else min(best, took)
        total += best or 0
        page = text if name == "report" else page
        print(f"{name:14} {best:7.3f} s  {len(text) / 1e6:6.2f} MB")
    print(f"{'all':14} {total:7.3f} s  for {len(report.cells)} cells", end="")
    print(f", {total / report.run.seconds:.1%} of the run of {report.run.seconds:.0f} s" if path else "")
    return page


def browser(page: str) -> None:
    """Print how long Chromium takes from navigation to the end of loading, the best of five."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        print("there is no Chromium here")
        return
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        file = Path(folder) / "report.html"
        file.write_text(page, "utf-8")
        chromium = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        took, cpu = [], []
        session = chromium.new_browser_cdp_session()

        def spent() -> float:
            processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
            return sum(float(each["cpuTime"]) for each in processes if each["type"] == "renderer")

        for _ in range(REPEATED):
            tab = chromium.new_page()
            before = spent()
            tab.goto(file.as_uri())
            took.append(float(tab.evaluate(LOADED)))
            cpu.append(spent() - before)
            tab.close()
        chromium.close()
    print(f"{'loaded in':14} {min(took) / 1000:7.3f} s, in {min(cpu):.3f} s of the page's own CPU time")


def stack() -> None:
    """Print which part of a run of the stack its reports take: what they ask the engine for, and every writer.

    Both are measured within one run, because two runs of a stack differ by more than that.
    """
    spent: dict[str, float] = {}

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **more: Any) -> Any:
            started = time.monotonic()
            try:
                return call(*arguments, **more)
            finally:
                spent[name] = spent.get(name, 0) + time.monotonic() - started

        return run

    evidence.gather_evidence = timed("asked", evidence.gather_evidence)
    with tempfile.TemporaryDirectory() as folder:
        files = [f"--lucid-{name.replace('_', '-')}={folder}/{name}" for name in WRITERS]
        writers_module.WRITERS = {name: timed("written", write) for name, write in WRITERS.items()}
        started = time.monotonic()
        if pytest.main([f"--rootdir={ROOT}", "-q", "--lucid-up", "-p", "no:cacheprovider", *files]):
            raise SystemExit("the run failed")
        took = time.monotonic() - started
    for name, seconds in spent.items():
        print(f"{name:14} {seconds:7.3f} s")
    print(f"{'cost':14} {sum(spent.values()) / (took - sum(spent.values())):7.1%}  of a run of {took:.1f} s")


if __name__ == "__main__":
    if sys.argv[1:] == ["--stack"]:
        stack()
        raise SystemExit
    browser(writers(Path(sys.argv[1]) if sys.argv[1:] else None))
