"""The process that the user started: it alone brings the stack up, and tears it down.

Under xdist the workers collect and run; they find the stack by the names in the matrix.
"""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
from _pytest.junitxml import xml_key

from pytest_lucid.config.hosts import LOCAL
from pytest_lucid.errors import EngineError
from pytest_lucid.plugin.progress import Progress
from pytest_lucid.plugin.state import JOURNEY, SETTINGS, usage_errors, workspace_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from contextlib import AbstractContextManager


class Controller:
    """Hooks of the controlling process."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._settings = config.stash[SETTINGS]
        self._journeys: set[tuple[str, str]] = set()
        self._ran = False
        self._progress = Progress(config)

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
                with self._progress.drawn():
                    stacks.enter_context(self._reported(stack, session))
            self._progress.later = True
            try:
                return (yield)
            finally:
                self._ran = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep in mind which sessions the run has written."""
        properties = dict(report.user_properties)
        if JOURNEY in properties:
            self._journeys.add((str(properties.get("lucid.host", LOCAL)), str(properties[JOURNEY])))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what the run has written, and how the stack ended, where that was after the tests."""
        for host, session in sorted(self._journeys):
            terminalreporter.write_line(f"lucid: stored and anchored session {session} on {host}; it stays there")
        for line in self._progress.kept:
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
