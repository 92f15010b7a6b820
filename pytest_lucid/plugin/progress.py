"""What the user sees while a stack is built, brought up and removed: drawn on a terminal, lines elsewhere and in CI."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_lucid.content.masking import clean
from pytest_lucid.report.progress import Drawing

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest


class Progress:
    """Writes through pytest's terminal reporter; once `later` is set, lines are kept for the end, below the dots."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._drawing: Drawing | None = None
        self.later = False
        self.kept: list[str] = []

    def __call__(self, line: str) -> None:
        """Take a line of the stack's."""
        reporter: pytest.TerminalReporter | None = self._config.pluginmanager.getplugin("terminalreporter")
        line = clean(line)
        if self.later:
            self.kept.append(f"lucid: {line}")
        elif self._drawing:
            self._drawing(line)
        elif reporter:
            reporter.write_line(f"lucid: {line}")

    def service(self, name: str, state: str) -> None:
        """Take the state of a service."""
        if self._drawing and not self.later:
            self._drawing.service(name, clean(state))

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Show the states of services within."""
        reporter: pytest.TerminalReporter | None = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is None:
            yield
            return
        writer = reporter._tw  # noqa: SLF001 - TerminalWriter is documented, its holder is not
        live = bool(writer.hasmarkup and reporter.isatty and not os.environ.get("CI"))
        self._drawing = Drawing(reporter.write, live=live, width=writer.fullwidth)
        try:
            yield
        finally:
            self._drawing.close()
            self._drawing = None
