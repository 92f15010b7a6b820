"""Commands in containers, asked over a way that brings all of an answer at once, as busy machines and links do."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from pytest_lucid import standin
from pytest_lucid.engine.command import run_command
from pytest_lucid.engine.connection import connect
from pytest_lucid.sidecar.sidecar import TOOLBOX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker
    from docker.models.containers import Container

    from pytest_lucid.engine.connection import Engine

ENGINE = "/var/run/docker.sock"
HELD_SECONDS = 0.3


@pytest.fixture
def target(client: docker.DockerClient) -> Iterator[Container]:
    standin.ensure(client, [TOOLBOX], print)
    container = client.containers.run(TOOLBOX, ["sleep", "60"], detach=True, labels={"lucid.test": "command"})
    yield container
    container.remove(force=True)


class Relay(socketserver.BaseRequestHandler):
    """Carries one connection to the engine, and hands over in large pieces, late, what the engine sends."""

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as far:
            far.connect(ENGINE)
            up = threading.Thread(target=carry, args=(self.request, far, 0.0))
            up.start()
            carry(far, self.request, HELD_SECONDS)
            up.join()


def carry(source: socket.socket, sink: socket.socket, held: float) -> None:
    """Carry bytes one way until it ends."""
    with suppress(OSError):
        while source.recv(1, socket.MSG_PEEK):
            time.sleep(held)
            sink.sendall(source.recv(1 << 20))
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Engine]:
    """The engine behind such a relay."""
    path = tmp_path / "engine.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Relay) as server:
        threading.Thread(target=server.serve_forever).start()
        with closing(connect(f"unix://{path}")) as engine:
            yield engine
        server.shutdown()


def test_nothing_of_an_answer_is_lost_that_comes_with_its_head(slow: Engine, target: Container) -> None:
    code, output = run_command(slow, str(target.id), ["/bin/busybox", "echo", "all of it"], {})
    assert (code, output) == (0, b"all of it\n")


def test_exit_code_and_output(slow: Engine, target: Container) -> None:
    script = 'echo "$NAME"; echo error >&2; head -c 100000 /dev/zero; exit 3'
    code, output = run_command(slow, str(target.id), ["/bin/busybox", "sh", "-c", script], {"NAME": "value"})
    assert code == 3
    assert output == b"value\n" + bytes(100_000)
