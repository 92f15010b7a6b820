"""Make the pictures of the documents from real runs: `nox -s pictures`. Needs an engine, and Chromium.

All green: the stack of this tree. One service broken: the same stack, kept, with one container stopped. A bad tree: a
copy of this one with defects planted in its Dockerfiles. Sixty services: Dockerfiles written here. The last two need no
engine.
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
COLUMNS, MOST_LINES = 100, 64
COLOURS = {"31": "#cf222e", "32": "#1a7f37", "33": "#9a6700"}
PROGRAMS = ("chromium-headless-shell", "chromium")
BAD = "FROM python:latest\nADD https://example.org/x /x\nRUN apt-get update && apt-get install curl\nCMD python -m x\n"
# What is planted at the end of each Dockerfile, where all of it is wrong.
PLANTED = (
    "USER root", "ENV API_TOKEN=ghp_aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdEf", "ADD https://example.org/tool /tool",
    "RUN apt-get update && apt-get install curl", "EXPOSE 22", "CMD python -m http.server",
)  # fmt: skip
TREE = ("lucid.toml", "pyproject.toml", "common", "03-api-gateway", "blockchain", "service-mesh", "tests/dockerfile")
SERVICE = """[[service]]
name = "shop-{0:02}"
image = "shop-{0:02}"
dockerfile = "{0:02}/Dockerfile"
cluster = "shop"
ports = [{{ number = {1} }}]
"""


def pytest(folder: Path, *arguments: str) -> str:
    """What a run in `folder` prints on a terminal of 100 columns."""
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "PY_COLORS": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--no-header", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - argv only
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def folded(line: str) -> list[str]:
    """A line as a terminal shows it: what is longer than its width goes on below."""
    plain = re.sub("\x1b\\[[0-9;]*m", "", line)
    if len(plain) <= COLUMNS:
        return [line]
    return [plain[at : at + COLUMNS] for at in range(0, len(plain), COLUMNS)]


def svg(text: str) -> str:
    """What a terminal showed, from its report on: one text element for each line, in the colour that it began with."""
    answer = text[text.rfind("\n", 0, text.index("service × area")) + 1 :].splitlines()
    lines = [part for line in answer if "lucid: wrote " not in line for part in folded(line)]
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


def screenshot(report: Path, picture: Path, height: int, at: str = "h1") -> None:
    """An HTML report from what the selector `at` finds on, as Chromium shows it."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": height})
        page.goto(report.as_uri())
        page.locator(at).first.evaluate("(it) => it.scrollIntoView()")
        page.screenshot(path=picture)
        browser.close()


def stack(folder: Path) -> None:
    """All green, then one service broken."""
    report = folder / "report.html"
    answer = pytest(ROOT, "--lucid-up", "--lucid-keep", f"--lucid-report={report}")
    (PICTURES / "green.svg").write_text(svg(answer), "utf-8")
    screenshot(report, PICTURES / "green.png", 1000)
    try:
        connect().client.containers.get(STOPPED).stop()
        answer = pytest(ROOT, "--lucid-host=local", f"--lucid-report={report}")
        (PICTURES / "broken.svg").write_text(svg(answer), "utf-8")
        screenshot(report, PICTURES / "broken.png", 1000)
    finally:
        subprocess.run([sys.executable, "-m", "pytest_lucid", "down"], check=True)


def bad_tree(folder: Path) -> None:
    """This tree with defects planted in its Dockerfiles."""
    for name in TREE:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    for dockerfile in sorted(folder.rglob("Dockerfile*")):
        if dockerfile.is_file() and "tests" not in dockerfile.parts:
            dockerfile.write_text("\n".join((dockerfile.read_text("utf-8").rstrip(), *PLANTED, "")), "utf-8")
    arguments = ("tests/dockerfile", "--lucid-all-dockerfiles", "--lucid-report=report.html")
    (PICTURES / "bad.svg").write_text(svg(pytest(folder, *arguments)), "utf-8")
    screenshot(folder / "report.html", PICTURES / "bad.png", 1000)


def sixty(folder: Path) -> None:
    """Sixty services, one of which is bad."""
    shutil.copytree(ROOT / "tests" / "dockerfile", folder / "tests" / "dockerfile")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n", "utf-8")
    rows = ['extends = "nothing"\nphase = 1\n']
    for number in range(60):
        (folder / f"{number:02}").mkdir()
        text = BAD if number == 7 else f"FROM example.org/base:1@sha256:{'0' * 64}\nEXPOSE {9000 + number}\nUSER 1000\n"  # noqa: PLR2004 - any one
        (folder / f"{number:02}" / "Dockerfile").write_text(text, "utf-8")
        rows.append(SERVICE.format(number, 9000 + number))
    (folder / "lucid.toml").write_text("\n".join(rows), "utf-8")
    answer = pytest(folder, "tests/dockerfile", "--lucid-report=report.html")
    (PICTURES / "sixty.svg").write_text(svg(answer), "utf-8")
    screenshot(folder / "report.html", PICTURES / "sixty.png", 900, "#matrix")


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        if "--no-stack" not in sys.argv:
            stack(Path(made))
        if "--no-trees" not in sys.argv:
            for draw in (bad_tree, sixty):
                (Path(made) / draw.__name__).mkdir()
                draw(Path(made) / draw.__name__)
