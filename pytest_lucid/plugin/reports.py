"""The reports of a run: records come from the tests' processes, and become one report, which is shown and written."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import platform
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.content.masking import clean, mask
from pytest_lucid.errors import LucidError
from pytest_lucid.plugin.state import SETTINGS, baseline_in, workspace_of
from pytest_lucid.report import github
from pytest_lucid.report.baseline import compare, comparison_lines
from pytest_lucid.report.causes import linked
from pytest_lucid.report.groups import worst_of
from pytest_lucid.report.lines import BAD, GOOD, PLAIN, QUIET, TITLE, WARNING, Line, encodable
from pytest_lucid.report.model import CellRecord, Outcome, RunRecord, RunReport, merge
from pytest_lucid.report.table import table
from pytest_lucid.report.terminal import excuses, failures, findings, remedies

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_lucid.target.evidence import Evidence

STYLES: dict[str, dict[str, bool]] = {
    PLAIN: {}, GOOD: {"green": True}, BAD: {"red": True}, WARNING: {"yellow": True}, TITLE: {"bold": True},
    QUIET: {"light": True},
}  # fmt: skip
# What pytest shows by default: the plugin reports failed checks itself, and pytest lists them only on request.
DEFAULT_REPORT_CHARACTERS = "fE"
LISTED = ("failed", "error")


class Reports:
    """Hooks of the controlling process that gather, show and write what its checks found."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._settings = config.stash[SETTINGS]
        self._records: list[CellRecord] = []
        self._seconds: dict[str, float] = {}
        self._started = dt.datetime.now(dt.timezone.utc)
        # The time of day may be set while the run goes on.
        self._began = time.monotonic()
        self._evidence: Evidence | None = None
        self._hidden: dict[str, list[object]] = {}
        self._written: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the record that a report carries, and how long each phase of a test took."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if lucid := getattr(report, "lucid", None):
            self._records.append(replace(CellRecord.from_json(lucid), seconds=report.duration))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Count a check that broke amid its test as an error, too: pytest's counts and ours are the same then."""
        lucid = getattr(report, "lucid", None)
        return ("error", "E", "ERROR") if lucid and report.failed and lucid["outcome"] == Outcome.ERROR.value else None

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

        report = self.report()
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
        self._show(terminalreporter)

    @pytest.hookimpl(specname="pytest_terminal_summary", tryfirst=True)
    def list_on_request(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Between pytest's failures and its short summary: let the summary name ours too, where `-r` asks for it."""
        if self._config.option.reportchars != DEFAULT_REPORT_CHARACTERS:
            terminalreporter.stats.update(self._hidden)

    def report(self) -> RunReport:
        """All that is known of the run."""
        secrets = self._evidence.secrets if self._evidence else frozenset()
        cells = linked(merge(self._records))
        if secrets:
            cells = tuple(
                replace(cell, seen=mask(cell.seen, secrets), trace=mask(cell.trace, secrets)) for cell in cells
            )
        return RunReport(self._run(), self._evidence.services if self._evidence else (), cells)

    def _run(self) -> RunRecord:
        from pytest_lucid.stack.build import provenance  # noqa: PLC0415 - loads the engine's libraries

        workspace = workspace_of(self._config)
        matrix = workspace.matrix
        return RunRecord(
            started=self._started.isoformat(timespec="seconds"),
            seconds=time.monotonic() - self._began,
            version=version("pytest-lucid"),
            python=platform.python_version(),
            pytest=pytest.__version__,
            platform=platform.platform(),
            commit=provenance(self._settings.project).get("GIT_COMMIT", ""),
            matrix=hashlib.sha256(matrix.model_dump_json().encode()).hexdigest(),
            fail_on=self._settings.fail_on,
            networks=tuple(
                (network.name, ", ".join(map(str, network.subnets or ()))) for network in matrix.all_networks
            ),
            consul=matrix.consul.container if matrix.consul else "",
            engines=tuple(self._engines()),
        )

    def _engines(self) -> list[tuple[str, str]]:
        if not self._settings.wants_engine:
            return []
        workspace = workspace_of(self._config)
        versions = []
        for host in workspace.hosts:
            try:
                versions.append((host, clean(str(workspace.targets[host].engine))))
            except LucidError as error:
                versions.append((host, clean(str(error))))
        return versions

    def _show(self, terminal: pytest.TerminalReporter) -> None:
        if not self._records:
            return
        report, option = self.report(), self._config.option
        width = terminal._tw.fullwidth  # noqa: SLF001 - it is in TerminalWriter's documentation, its holder is not
        every = option.verbose > 0
        terminal.section("service × area" if self._says("×") else "service x area")
        self._write(terminal, table(report, width, every=every))
        if not option.no_summary and option.tbstyle != "no":
            self._write(terminal, failures(report, width, every=every))
        self._write(terminal, remedies(report, width, every=every))
        self._write(terminal, excuses(report, width))
        if report.red:
            identity = worst_of(report).check
            self._write(terminal, [Line(f"`pytest --lucid-explain {identity}` says why a check exists.", QUIET)])
        if baseline := baseline_in(self._config):
            # A baseline is a file, which anybody may have written.
            compared = comparison_lines(compare(baseline, report), clean(baseline.where), width)
            self._write(terminal, [replace(line, text=clean(line.text).replace("\n", " ")) for line in compared])
        if self._settings.all_dockerfiles:
            terminal.section("findings in Dockerfiles")
            self._write(terminal, [Line(line) for line in findings(report)])
        if notes := dict.fromkeys(note for cell in report.cells for note in cell.notes):
            terminal.section("notes on Dockerfiles")
            self._write(terminal, [Line(note) for note in notes])
        self._write(terminal, [Line(clean(line)) for line in self._written])
        if os.environ.get("GITHUB_ACTIONS"):
            for line in github.write(report).splitlines():
                terminal.write_line(line)

    def _says(self, text: str) -> bool:
        return encodable(text, self._encoding()) == text

    def _encoding(self) -> str:
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        return getattr(terminal._tw._file, "encoding", None) or "utf-8"  # noqa: SLF001 - likewise

    def _write(self, terminal: pytest.TerminalReporter, lines: list[Line]) -> None:
        encoding = self._encoding()
        for line in lines:
            terminal.write_line(encodable(github.guarded(line.text), encoding), **STYLES[line.style])
