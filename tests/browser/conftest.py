"""Debian's headless Chromium, and reports opened in it. Where there is no Chromium, the tests are skipped."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.report import html_file

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: nox -s browser")

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page

    from pytest_lucid.report.model import RunReport

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser of this machine."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("there is no Chromium here: `apt-get install chromium-headless-shell`, or nox -s browser as root")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Open a report; the page may ask for nothing, and must find nothing wrong."""
    asked: list[str] = []
    messages: list[str] = []
    contexts = []

    def refuse(dialog: Dialog) -> None:
        messages.append("a dialog")
        dialog.dismiss()

    def show(report: RunReport, **options: Any) -> Page:
        file = tmp_path / "report.html"
        file.write_text(html_file.write(report), "utf-8")
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("dialog", refuse)
        page.goto(file.as_uri())
        return page

    yield show
    for context in contexts:
        context.close()
    assert not [url for url in asked if not url.startswith("file:")]
    assert not messages
