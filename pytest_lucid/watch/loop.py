"""The loop: a round at its time or after an event, then what changed, to standard output and to a command."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError, LucidError
from pytest_lucid.inspect.find import is_of
from pytest_lucid.watch.events import Events
from pytest_lucid.watch.round import Rounds
from pytest_lucid.watch.server import serving
from pytest_lucid.watch.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_lucid.matrix import Service
    from pytest_lucid.watch.history import Change
    from pytest_lucid.watch.round import Plan

# A command that hangs must not keep the next round waiting for ever.
COMMAND_SECONDS = 30
SHORTEST_SECONDS = 5.0
# What is put into the queue to end the loop; no container has this name.
_END = "\0"
# What is put there for a round over everything.
_ALL = ""


@dataclass(frozen=True)
class Wishes:
    """What the user asked for: the pause in seconds, the command for changes, how many rounds (None: for ever)."""

    every: float
    address: tuple[str, int]
    command: tuple[str, ...] = ()
    rounds: int | None = None

    def __post_init__(self) -> None:
        """Demand times and numbers that make sense."""
        if not self.every >= SHORTEST_SECONDS:
            raise ConfigError(f"--every={self.every:g}: expected at least {SHORTEST_SECONDS:g} seconds between rounds")
        if self.rounds is not None and self.rounds < 1:
            raise ConfigError(f"--rounds={self.rounds}: expected 1 or more")


class Watcher:
    """Watches until `end`, or for as many rounds as were asked for."""

    def __init__(self, plan: Plan, wishes: Wishes, write: Callable[[str], None], warn: Callable[[str], None]) -> None:
        self._wishes = wishes
        self._plan = plan
        self._rounds = Rounds(plan)
        self._rows: tuple[Service, ...] = ()
        self._events = [Events(host, self.notice, lambda: self._queue.put(_ALL)) for host in plan.hosts]
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._write = write
        self._warn = warn
        self.status = Status(wishes.every)
        self._ended = False

    def end(self) -> None:
        """End soon, and the round that is being made at once: called from another thread than `watch`."""
        self._ended = True
        self._queue.put(_END)
        self._rounds.stop()

    def notice(self, container: str, labels: Mapping[str, str]) -> None:
        """Take the event of a container; only those that a row of the matrix can mean begin a round."""
        for row in self._rows:
            if is_of(row, container, labels):
                self._queue.put(row.name)

    def watch(self) -> None:
        """Make rounds, and serve what they found."""
        with serving(lambda: self.status, self._wishes.address) as port:
            self._warn(f"watching every {self._wishes.every:g} s; see http://{self._wishes.address[0]}:{port}/")
            for events in self._events:
                events.start()
            try:
                while not self._ended:
                    self._round(None)
                    if self._wishes.rounds == self.status.rounds:
                        return
                    self._wait()
            finally:
                for events in self._events:
                    events.stop()
                self._rounds.stop()

    def _wait(self) -> None:
        """Wait for the next round; an event ends that, after a look at the container that it is about.

        The pause begins when a round ends: a slow machine is not checked all the time.
        """
        try:
            name = self._queue.get(timeout=self._wishes.every)
        except Empty:
            return
        names = {name}
        while not self._queue.empty():
            names.add(self._queue.get())
        for each in sorted(names - {_END, _ALL}):
            if not self._ended:
                self._round(each)

    def _round(self, service: str | None) -> None:
        try:
            if service is None:
                self._rows = self._plan.rows()
            found = self._rounds.make(service)
        except LucidError as error:
            if self.status.problem != str(error):
                self._write(json.dumps({"time": _now(), "problem": str(error)}))
            self.status = replace(self.status, problem=str(error))
            return
        if found is None:
            return
        if self.status.problem:
            self._write(json.dumps({"time": _now(), "problem": None}))
        self.status, changes = self.status.after(found, time.time(), whole=service is None)
        for change in changes:
            self._tell(change)

    def _tell(self, change: Change) -> None:
        cell = change.cell
        facts = {
            "cell": cell.name,
            "check": cell.check,
            "service": cell.service or "",
            "host": cell.host or "",
            "severity": cell.severity,
            "before": change.before.value if change.before else "",
            "after": cell.outcome.value,
            "seen": cell.seen,
        }
        self._write(json.dumps({"time": _now(), **facts, "flapping": change.flapping}))
        if self._wishes.command:
            values = {f"LUCID_{name.upper()}": value for name, value in facts.items()}
            self._run(values)

    def _run(self, values: dict[str, str]) -> None:
        command = list(self._wishes.command)
        try:
            # No shell: what a container wrote is an environment variable, and never a part of a command.
            done = subprocess.run(  # noqa: S603 - the user's own command
                command, env={**os.environ, **values}, stdin=subprocess.DEVNULL, timeout=COMMAND_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self._warn(f"--on-change: {error}")
        else:
            if done.returncode:
                self._warn(f"--on-change: {command[0]} ended with {done.returncode}")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
