"""Make the pictures of the documents from real runs: `nox -s pictures`. Needs an engine, and Chromium.

All green: the stack of this tree. One service broken: the same stack, kept, with one container stopped. A bad tree and
sixty services: Dockerfiles written here, which need no engine.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

from playwright.sync_api import sync_playwright

from pytest_lucid.engine.connection import connect

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
STOPPED = "lucid-data-chain"
MOST_LINES = 64
COLOURS = {"31": "#cf222e", "32": "#1a7f37", "33": "#9a6700"}
PROGRAMS = ("chromium-headless-shell", "chromium")
BAD = "FROM python:latest\nADD https://example.org/x /x\nRUN apt-get update && apt-get install curl\nCMD python -m x\n"
SERVICE = """[[service]]
name = "shop-{0:02}"
image = "shop-{0:02}"
dockerfile = "{0:02}/Dockerfile"
cluster = "shop"
ports = [{{ number = {1} }}]
"""


def pytest(folder: Path, *arguments: str) -> str:
    """What a run in `folder` prints on a terminal of 100 columns."""
    environment = {**os.environ, "COLUMNS": "100", "PY_COLORS": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--no-header", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - argv only
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def svg(text: str) -> str:
    """What a terminal showed, from its report on: one text element for each line, in the colour that it began with."""
    told = text[text.rfind("\n", 0, text.index("service × area")) + 1 :].splitlines()
    lines = [line for line in told if "lucid: wrote " not in line]
    cut = [*lines[:MOST_LINES], f"⋮ {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else lines
    rows = []
    for number, line in enumerate(cut):
        colour = re.search("\x1b\\[(3[123])m", line)
        bold = ' font-weight="bold"' if "\x1b[1m" in line else ""
        plain = escape(re.sub("\x1b\\[[0-9;]*m", "", line)).replace(" ", "\u00a0")
        fill = COLOURS[colour[1]] if colour else "#1f2328"
        rows.append(f'<text x="12" y="{24 + 17 * number}" fill="{fill}"{bold}>{plain}</text>')
    height = 24 + 17 * len(cut)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}" width="860" height="{height}">'
        f'<rect width="860" height="{height}" rx="8" fill="#f6f8fa" stroke="#d0d7de"/>'
        '<g font-family="ui-monospace, DejaVu Sans Mono, monospace" font-size="13.6">'
        + "\n".join(rows)
        + "</g></svg>\n"
    )


def screenshot(report: Path, picture: Path, height: int) -> None:
    """The beginning of an HTML report, as Chromium shows it."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": height})
        page.goto(report.as_uri())
        page.screenshot(path=picture)
        browser.close()


def stack(folder: Path) -> None:
    """All green, then one service broken."""
    report = folder / "report.html"
    told = pytest(ROOT, "--lucid-up", "--lucid-keep", f"--lucid-report={report}")
    (PICTURES / "green.svg").write_text(svg(told), "utf-8")
    screenshot(report, PICTURES / "green.png", 1100)
    try:
        connect().client.containers.get(STOPPED).stop()
        told = pytest(ROOT, "--lucid-host=local", f"--lucid-report={report}")
        (PICTURES / "broken.svg").write_text(svg(told), "utf-8")
        screenshot(report, PICTURES / "broken.png", 1100)
    finally:
        subprocess.run([sys.executable, "-m", "pytest_lucid", "down"], check=True)


def trees(folder: Path) -> None:
    """A tree full of findings, and sixty services."""
    suite = str(ROOT / "tests" / "dockerfile")
    common = ("--rootdir=.", "-c", str(ROOT / "pyproject.toml"), suite, "--lucid-report=report.html")
    bad, sixty = folder / "bad", folder / "sixty"
    for number in range(7):
        (bad / f"svc{number}").mkdir(parents=True)
        (bad / f"svc{number}" / "Dockerfile").write_text(BAD, "utf-8")
    (PICTURES / "bad.svg").write_text(svg(pytest(bad, *common, "--lucid-all-dockerfiles")), "utf-8")
    screenshot(bad / "report.html", PICTURES / "bad.png", 1100)
    rows = ['extends = "nothing"\nphase = 1\n']
    for number in range(60):
        (sixty / f"{number:02}").mkdir(parents=True)
        text = BAD if number == 7 else f"FROM example.org/base:1@sha256:{'0' * 64}\nEXPOSE {9000 + number}\nUSER 1000\n"  # noqa: PLR2004 - any one
        (sixty / f"{number:02}" / "Dockerfile").write_text(text, "utf-8")
        rows.append(SERVICE.format(number, 9000 + number))
    (sixty / "lucid.toml").write_text("\n".join(rows), "utf-8")
    (PICTURES / "sixty.svg").write_text(svg(pytest(sixty, *common, "-v")), "utf-8")
    screenshot(sixty / "report.html", PICTURES / "sixty.png", 1100)


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        if "--no-stack" not in sys.argv:
            stack(Path(made))
        if "--no-trees" not in sys.argv:
            trees(Path(made))
