"""The report of a run on the terminal, below the tests."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_lucid.content.masking import clean
from pytest_lucid.plugin.state import SETTINGS, baseline_in
from pytest_lucid.report import github
from pytest_lucid.report.baseline import compare, comparison_lines
from pytest_lucid.report.groups import worst_of
from pytest_lucid.report.lines import BAD, GOOD, PLAIN, QUIET, TITLE, WARNING, Line, encodable
from pytest_lucid.report.table import table
from pytest_lucid.report.terminal import excuses, failures, findings, remedies

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from pytest_lucid.report.model import RunReport

STYLES: dict[str, dict[str, bool]] = {
    PLAIN: {}, GOOD: {"green": True}, BAD: {"red": True}, WARNING: {"yellow": True}, TITLE: {"bold": True},
    QUIET: {"light": True},
}  # fmt: skip


class Shown:
    """Writes through pytest's terminal reporter."""

    def __init__(self, terminal: pytest.TerminalReporter, config: pytest.Config) -> None:
        self._terminal = terminal
        self._config = config
        self._encoding = getattr(terminal._tw._file, "encoding", None) or "utf-8"  # noqa: SLF001 - TerminalWriter is documented, its holder is not

    def show(self, report: RunReport, written: Iterable[str]) -> None:
        """Show the table, what failed and what to do; at the end the lines of what was `written`."""
        terminal, option = self._terminal, self._config.option
        width = terminal._tw.fullwidth  # noqa: SLF001 - likewise
        every = option.verbose > 0
        terminal.section("service × area" if self._says("×") else "service x area")
        self._write(table(report, width, every=every))
        if not option.no_summary and option.tbstyle != "no":
            self._write(failures(report, width, every=every))
        self._write(remedies(report, width, every=every))
        self._write(excuses(report, width))
        if report.red:
            identity = worst_of(report).check
            self._write([Line(f"`pytest --lucid-explain {identity}` says why a check exists.", QUIET)])
        if baseline := baseline_in(self._config):
            # A baseline is a file, which anybody may have written.
            compared = comparison_lines(compare(baseline, report), clean(baseline.where), width)
            self._write([replace(line, text=clean(line.text).replace("\n", " ")) for line in compared])
        if self._config.stash[SETTINGS].all_dockerfiles:
            terminal.section("findings in Dockerfiles")
            self._write([Line(line) for line in findings(report)])
        if notes := dict.fromkeys(note for cell in report.cells for note in cell.notes):
            terminal.section("notes on Dockerfiles")
            self._write([Line(note) for note in notes])
        self._write([Line(clean(line)) for line in written])
        if os.environ.get("GITHUB_ACTIONS"):
            for line in github.write(report).splitlines():
                terminal.write_line(line)

    def _says(self, text: str) -> bool:
        return encodable(text, self._encoding) == text

    def _write(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._terminal.write_line(encodable(github.guarded(line.text), self._encoding), **STYLES[line.style])
