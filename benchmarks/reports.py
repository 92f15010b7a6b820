"""What reports cost: each writer for 50 services × 150 checks, and how soon Chromium shows the HTML.

With a file of `--lucid-json` as its argument it measures on that one; with `--stack`, what all writers together cost a
run of `pytest --lucid-up` here, which needs an engine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from samples import broken

from pytest_lucid.report import json_file
from pytest_lucid.report.writers import WRITERS

ROOT = Path(__file__).parents[1]
REPEATED, RUNS = 5, 3
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
    """Print how long runs with and without all writers take, the best of three each, in turns."""
    took: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        files = [f"--lucid-{name.replace('_', '-')}={folder}/{name}" for name in WRITERS]
        for number in range(2 * RUNS):
            writes = bool(number % 2)
            command = [sys.executable, "-m", "pytest", "-q", "--lucid-up", *(files if writes else [])]
            started = time.monotonic()
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - argv only
            took[writes].append(time.monotonic() - started)
    for writes, each in took.items():
        told = ", ".join(f"{seconds:.1f}" for seconds in each)
        print(f"{'all writers' if writes else 'no writer':14} {min(each):7.1f} s  of {told}")
    print(f"{'cost':14} {min(took[True]) / min(took[False]) - 1:7.1%}  of a run")


if __name__ == "__main__":
    if sys.argv[1:] == ["--stack"]:
        stack()
        raise SystemExit
    browser(writers(Path(sys.argv[1]) if sys.argv[1:] else None))
