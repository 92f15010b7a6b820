"""The process that the user started: it alone brings the stack up, tears it down, and prints the summary.

Under xdist the workers collect and run; they find the stack by the names in the matrix.
"""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.junitxml import xml_key

from pytest_lucid.errors import EngineError
from pytest_lucid.plugin.state import SETTINGS, usage_errors, workspace_of
from pytest_lucid.report import Cell, Outcome, render_findings, render_matrix

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from contextlib import AbstractContextManager


class Controller:
    """Hooks of the controlling process, and the cells that were reported to it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._settings = config.stash[SETTINGS]
        self._cells: dict[tuple[str, str | None, str | None], Cell] = {}
        self._findings: list[tuple[str, str]] = []
        self._notes: dict[str, None] = {}
        self._ran = False
        self._afterwards: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Refuse to start where a Dockerfile to build is not there, or the engine that was asked for is silent."""
        if self._settings.wants_engine and not self._config.option.collectonly:
            workspace = workspace_of(self._config)
            with usage_errors():
                if self._settings.builds:
                    workspace.demand_dockerfiles()
                engines = workspace.demand_hosts()
            if xml := self._config.stash.get(xml_key, None):
                for engine in engines:
                    xml.add_global_property("lucid.engine", str(engine))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Keep the stack up while the tests run. xdist's workers collect meanwhile, and wait."""
        broken = session.testsfailed and not session.config.option.continue_on_collection_errors
        if session.config.option.collectonly or broken or not self._settings.builds:
            return (yield)
        from pytest_lucid.stack.lifecycle import prepared  # noqa: PLC0415 - only for runs that build

        workspace = workspace_of(self._config)
        with usage_errors(), _terminable(), ExitStack() as stacks:
            for target in workspace.targets.values():
                stack = prepared(target.engine, workspace.matrix, self._settings, self._progress)
                stacks.enter_context(self._reported(stack, session))
            try:
                return (yield)
            finally:
                self._ran = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the outcome of each cell; the worst of its phases counts."""
        lucid: dict[str, Any] | None = getattr(report, "lucid", None)
        if lucid is None:
            return
        cell = Cell(lucid["check"], lucid["service"], _outcome(report, judged=lucid["judged"]), lucid["host"])
        key = (cell.check, cell.service, cell.host)
        self._findings += [(cell.check, file) for file in lucid["files"]]
        self._notes.update(dict.fromkeys(lucid["notes"]))
        self._cells[key] = max(self._cells.get(key, cell), cell, key=lambda c: c.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the matrix, service × check."""
        if self._cells:
            services = [service.name for service in workspace_of(self._config).services]
            terminalreporter.section("service × check")
            for line in render_matrix(list(self._cells.values()), services, self._settings.hosts):
                terminalreporter.write_line(line)
        if self._settings.all_dockerfiles:
            terminalreporter.section("findings in Dockerfiles")
            for line in render_findings(self._findings):
                terminalreporter.write_line(line)
        if self._notes:
            terminalreporter.section("notes on Dockerfiles")
            for line in self._notes:
                terminalreporter.write_line(line)
        for line in self._afterwards:
            terminalreporter.write_line(line)

    @contextmanager
    def _reported(self, stack: AbstractContextManager[None], session: pytest.Session) -> Iterator[None]:
        """Report a stack that cannot be removed after the tests ran: their outcome stands, and the run fails."""
        try:
            with stack:
                yield
        except EngineError as error:
            if not self._ran:
                raise
            session.testsfailed += 1
            self._progress(str(error))

    def _progress(self, line: str) -> None:
        reporter: pytest.TerminalReporter | None = self._config.pluginmanager.getplugin("terminalreporter")
        if self._ran:
            # The line of dots may not have ended yet.
            self._afterwards.append(f"lucid: {line}")
        elif reporter is not None:
            reporter.write_line(f"lucid: {line}")


def _outcome(report: pytest.TestReport, *, judged: bool) -> Outcome:
    """What one phase says of its cell. A failure outside the test's own phase is an error: the claim was not judged."""
    if report.failed:
        return Outcome.FAILED if report.when == "call" and judged else Outcome.ERROR
    if report.skipped:
        return Outcome.WAIVED if hasattr(report, "wasxfail") else Outcome.SKIPPED
    return Outcome.PASSED


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM, which CI systems send to cancel a job, end the run as Ctrl-C does: with everything torn down."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
