"""Containers with more processes and sockets than any service has: all of them are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scene import BOX

from pytest_lucid.engine.run import Run
from pytest_lucid.sidecar.runtime import read_runtime
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.sidecar.runtime import Runtime

PROCESSES, SOCKETS, FIRST_PORT = 5000, 10_000, 20_000
# Without an interpreter of their own, so that the machine has room for them.
FORK = f"for _ in range({PROCESSES}):\n    if not os.fork():\n        time.sleep(1000)\n        os._exit(0)"
LISTEN = f"kept = [socket.create_server(('127.0.0.1', port)) for port in range({FIRST_PORT}, {FIRST_PORT + SOCKETS})]"


@pytest.fixture
def look(engine: Engine) -> Iterator[Callable[[], Runtime]]:
    """Everything inside the box, as checks get it."""
    sessions: list[Session] = []

    def look() -> Runtime:
        sessions.append(Session(Sidecar(engine, BOX, Run.new()), deadline=120))
        return read_runtime(sessions[-1], "65532:65532")

    yield look
    for session in sessions:
        session.close()
        session.sidecar.remove()


def test_five_thousand_processes(box: Callable[..., Any], look: Callable[[], Runtime]) -> None:
    box(FORK)
    assert len(look().processes) == PROCESSES + 1


def test_ten_thousand_sockets(box: Callable[..., Any], look: Callable[[], Runtime]) -> None:
    box(LISTEN)
    ports = {listener.port for listener in look().listeners}
    assert ports >= set(range(FIRST_PORT, FIRST_PORT + SOCKETS))
