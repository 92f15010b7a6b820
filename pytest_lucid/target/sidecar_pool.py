"""The sidecars of one run: each made when it is first asked for, all left together."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from pytest_lucid import standin
from pytest_lucid.engine.asking import Once, together
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import MissingError
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import TOOLBOX, Sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run

# The name of a toolbox that a run brought to another machine, with the run as its tag.
BROUGHT = "lucid-toolbox"


class SidecarPool:
    """Sessions inside the containers `targets` on `engine`, in sidecars that belong to `run`.

    `find` gives the name of the container that a target means; it raises MissingError where there is none. Several
    processes of a run share a sidecar, each with a session of its own.
    """

    def __init__(
        self,
        engine: Engine,
        run: Run,
        targets: Sequence[str],
        toolbox: str = TOOLBOX,
        find: Callable[[str], str] = str,
    ) -> None:
        self._engine = engine
        self._toolbox = toolbox
        self._run = run
        self._brought = f"{BROUGHT}:{run.id}"
        self._asked = Once()
        self._targets = targets
        self._find = find
        self._sessions: dict[str, Session] = {}

    def session(self, target: str) -> Session:
        """The session inside `target`; raises like Session.run where none can be opened."""
        session = self._asked.ask(("session", target), lambda: self._make(target))
        self._asked.ask(target, session.open)
        return session

    def _make(self, target: str) -> Session:
        sidecar = Sidecar(self._engine, self._find(target), self._run, self._toolbox, self._get_toolbox)
        self._sessions[target] = session = Session(sidecar)
        return session

    def _get_toolbox(self) -> None:
        self._asked.ask(self._toolbox, self._bring)

    def _bring(self) -> None:
        """Have the toolbox on the engine; another machine remembers whether it is there for this run only."""
        client = self._engine.client
        (base,) = standin.ensure(client, [self._toolbox], lambda _: None)
        if base.origin != "present" and not self._engine.is_local:
            with engine_errors(f"keeping in mind that {self._toolbox} is new on {self._engine.host}"):
                client.api.tag(base.image_id, BROUGHT, self._run.id)

    def close(self) -> None:
        """End the sessions of this process; other processes may still use the sidecars."""
        for session in list(self._sessions.values()):
            session.close()

    def remove(self) -> None:
        """Remove the sidecars of every process of this run, and a toolbox that was sent to another machine for them."""
        for target in self._targets:
            # What is not there has no sidecar of another process either.
            with suppress(MissingError):
                self._asked.ask(("session", target), partial(self._make, target))
        removals = [session.sidecar.remove for session in self._sessions.values()]
        if len(removals) == 1:
            # An interpreter that ends starts no threads any more.
            removals[0]()
        else:
            together(removals)
        if self._was_brought():
            with engine_errors(f"removing {self._toolbox}"):
                for name in (self._brought, self._toolbox):
                    self._engine.client.api.remove_image(name)

    def _was_brought(self) -> bool:
        with engine_errors(f"looking for {self._brought}"):
            return bool(self._engine.client.api.images(name=self._brought))
