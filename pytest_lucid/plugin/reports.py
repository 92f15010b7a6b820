"""The reports of a run: records come from the tests' processes, and become one report, which is shown and written.

What only a run with checks needs is loaded there: every run of pytest registers this plugin.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.plugin.state import SETTINGS, workspace_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_lucid.report.model import CellRecord, RunReport
    from pytest_lucid.target.evidence import Evidence

# What pytest shows by default: the plugin reports failed checks itself, and pytest lists them only on request.
DEFAULT_REPORT_CHARACTERS = "fE"
LISTED = ("failed", "error")


class Reports:
    """Hooks of the controlling process that gather, show and write what its checks found."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._settings = config.stash[SETTINGS]
        self._records: list[CellRecord] = []
        self._started = dt.datetime.now(dt.timezone.utc)
        # The time of day may be set while the run goes on.
        self._began = time.monotonic()
        self._evidence: Evidence | None = None
        self._hidden: dict[str, list[object]] = {}
        self._written: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the record that a report carries, and how long its phase took."""
        if lucid := getattr(report, "lucid", None):
            from pytest_lucid.report.model import CellRecord  # noqa: PLC0415 - only for runs with checks

            self._records.append(replace(CellRecord.from_json(lucid), seconds=report.duration))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Count a check that broke amid its test as an error, too: pytest's counts and ours are the same then."""
        lucid = getattr(report, "lucid", None)
        if not lucid or not report.failed:
            return None
        from pytest_lucid.report.model import Outcome  # noqa: PLC0415 - only for runs with checks

        return ("error", "E", "ERROR") if lucid["outcome"] == Outcome.ERROR.value else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Ask for logs and the like after the tests, within the lifetime of the stack."""
        result = yield
        if self._records:
            from pytest_lucid.target.evidence import gather_evidence  # noqa: PLC0415 - loads the engine's libraries

            red = {(cell.service or "", cell.host or "") for cell in self._records if cell.outcome.is_red}
            writes = self._settings.writes
            self._evidence = gather_evidence(
                workspace_of(self._config),
                red,
                whole=bool({"report", "json"} & writes.keys()),
                packages=bool({"report", "json"} & writes.keys()),
            )
        return result

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the files that the user asked for, and what GitHub takes of a job that runs there."""
        if not self._records:
            return
        summary = os.environ.get("GITHUB_STEP_SUMMARY") if os.environ.get("GITHUB_ACTIONS") else None
        if not (self._settings.writes or summary):
            return
        from pytest_lucid.report.writers import WRITERS  # noqa: PLC0415 - only for runs that write

        report = self._report()
        files = [*self._settings.writes.items(), *([("summary", Path(summary))] if summary else [])]
        for name, path in files:
            mode = "a" if str(path) == summary else "w"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open(mode, encoding="utf-8", newline="\n") as file:
                    file.write(WRITERS[name](report))
                self._written.append(f"lucid: wrote {path}")
            except OSError as error:
                # An error at the closing of a file, such as that the disk is full, names none.
                self._written.append(f"ERROR: {error.filename or path} cannot be written: {error.strerror}")
                session.exitstatus = pytest.ExitCode.USAGE_ERROR

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
        """Keep pytest from telling what we tell; its own counts stay."""
        stats = terminalreporter.stats
        self._hidden = {kind: stats[kind] for kind in LISTED if kind in stats}
        for kind, reports in self._hidden.items():
            stats[kind] = [report for report in reports if not hasattr(report, "lucid")]
        try:
            yield
        finally:
            stats.update(self._hidden)
        if self._records:
            from pytest_lucid.plugin.shown import Shown  # noqa: PLC0415 - only for runs with checks

            Shown(terminalreporter, self._config).show(self._report(), self._written)

    @pytest.hookimpl(specname="pytest_terminal_summary", tryfirst=True)
    def list_on_request(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Between pytest's failures and its short summary: let the summary name ours too, where `-r` asks for it."""
        if self._config.option.reportchars != DEFAULT_REPORT_CHARACTERS:
            terminalreporter.stats.update(self._hidden)

    def _report(self) -> RunReport:
        from pytest_lucid.plugin.gathered import gathered  # noqa: PLC0415 - only for runs with checks

        seconds = time.monotonic() - self._began
        return gathered(self._config, self._records, self._evidence, self._started, seconds)
