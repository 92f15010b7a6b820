"""The twins of one run: all made when the first is asked for, at the same time, and left together."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from pytest_lucid import bases
from pytest_lucid.errors import LucidError
from pytest_lucid.twin.session import Session
from pytest_lucid.twin.sidecar import TOOLBOX, Sidecar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run


class Twins:
    """Sessions inside the containers called `targets` on `engine`, in twins that belong to `run`.

    Several processes of a run share a twin, each with a session of its own.
    """

    def __init__(self, engine: Engine, run: Run, targets: Sequence[str], toolbox: str = TOOLBOX) -> None:
        self._engine = engine
        self._toolbox = toolbox
        self._got: Future[object] = Future()
        self._sessions = {
            target: Session(Sidecar(engine, target, run, toolbox, self._got.result)) for target in targets
        }
        self._opened: dict[str, Future[object]] = {}
        self._lock = threading.Lock()

    def session(self, target: str) -> Session:
        """The session inside `target`; raises like Session.run where none can be opened."""
        with self._lock:
            if not self._opened:
                self._open()
        self._opened[target].result()
        return self._sessions[target]

    def _open(self) -> None:
        # Most of the time that a twin takes to start is waiting for the engine.
        with ThreadPoolExecutor(len(self._sessions)) as pool:
            self._opened = {name: pool.submit(session.open) for name, session in self._sessions.items()}
            try:
                self._got.set_result(bases.ensure(self._engine.client, [self._toolbox], lambda _: None))
            except LucidError as error:
                self._got.set_exception(error)

    def close(self) -> None:
        """End the sessions of this process; other processes may still use the twins."""
        for session in self._sessions.values():
            session.close()

    def remove(self) -> None:
        """Remove the twins, whichever process made them."""
        with ThreadPoolExecutor(len(self._sessions)) as pool:
            list(pool.map(lambda session: session.sidecar.remove(), self._sessions.values()))
