"""A plugin for pytest that tells which tests ask the engine or a service anything after the prefetch."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from docker.api.client import APIClient

from pytest_lucid.sidecar.session import Session
from pytest_lucid.target.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class LateQuestions:
    """Watches what goes to the engine, into containers and to services, from tests' own phases."""

    def __init__(self) -> None:
        self._test = ""
        self._prefetching = threading.Event()
        self._late: list[str] = []
        self.prefetched = 0

    def watch(self) -> None:
        """Begin."""
        self._patch(APIClient, "send")
        self._patch(Session, "run_all")
        prefetch = Target.prefetch

        def prefetching(*arguments: Any) -> None:
            self._prefetching.set()
            self.prefetched += 1
            prefetch(*arguments)
            self._prefetching.clear()

        setattr(Target, "prefetch", prefetching)  # noqa: B010 - mypy takes no method for another
        sys.addaudithook(lambda event, _: self._note(event) if event == "socket.connect" else None)

    def _patch(self, owner: type, name: str) -> None:
        method: Callable[..., Any] = getattr(owner, name)

        def noted(*arguments: Any, **options: Any) -> Any:
            self._note(f"{owner.__name__}.{name}")
            return method(*arguments, **options)

        setattr(owner, name, noted)

    def _note(self, what: str) -> None:
        if self._test and not self._prefetching.is_set():
            self._late.append(f"late: {what} in {self._test}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Remember which test runs."""
        self._test = item.nodeid
        try:
            return (yield)
        finally:
            self._test = ""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell."""
        for line in (f"prefetched for {self.prefetched} tests", *self._late):
            terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Watch this run."""
    watcher = LateQuestions()
    watcher.watch()
    config.pluginmanager.register(watcher)
