"""The stream over a socket as the SDK makes one for a named pipe of Windows."""

from __future__ import annotations

import time
from typing import Any, NoReturn

import pytest

from pytest_lucid.engine.connection import Engine
from pytest_lucid.sidecar.stream import Stream, StreamClosedError


class PipeSocket:
    """Behaves as docker.transport.npipesocket.NpipeSocket: only `recv_into` honours the timeout."""

    def __init__(self, arriving: list[bytes]) -> None:
        self.arriving = arriving
        self.timeout: float | None = None

    def settimeout(self, seconds: float) -> None:
        self.timeout = seconds

    def recv(self, _: int) -> NoReturn:
        raise AssertionError("would block for ever")

    def recv_into(self, buffer: bytearray) -> int:
        if not self.arriving:
            assert self.timeout is not None
            raise TimeoutError
        data = self.arriving.pop(0)
        buffer[: len(data)] = data
        return len(data)

    def send(self, _: memoryview) -> NoReturn:
        raise BrokenPipeError

    def close(self) -> None:
        pass


class Api:
    """The two calls with which an exec is opened."""

    def __init__(self, socket: PipeSocket) -> None:
        self.socket = socket

    def exec_create(self, *_: object, **__: object) -> dict[str, str]:
        return {"Id": "1"}

    def exec_start(self, *_: object, **__: object) -> PipeSocket:
        return self.socket


def stream(*arriving: bytes) -> Stream:
    client: Any = type("Client", (), {"api": Api(PipeSocket(list(arriving)))})
    return Stream(Engine(client, "npipe:", "", "", "", (1, 40), "amd64", 0.0), "box", ["sh"])


def frame(kind: int, data: bytes) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def test_a_deadline_holds_on_a_named_pipe() -> None:
    waiting = stream()
    with pytest.raises(TimeoutError):
        waiting.receive(time.monotonic() + 1)


def test_outputs_are_apart_and_pieces_are_joined() -> None:
    both = frame(1, b"out") + frame(2, b"err")
    opened = stream(both[:5], both[5:])
    for _ in range(2):
        opened.receive(time.monotonic() + 1)
    assert tuple(map(bytes, opened.buffers)) == (b"out", b"err")
    with pytest.raises(StreamClosedError):
        stream(b"").receive(time.monotonic() + 1)


def test_what_arrived_before_the_end_can_be_read_after_it() -> None:
    ended = stream(frame(2, b"can't "), frame(2, b"fork"), b"")
    with pytest.raises(StreamClosedError):
        ended.send(b"echo", time.monotonic() + 1)
    ended.read_to_the_end(time.monotonic() + 1)
    assert bytes(ended.buffers[1]) == b"can't fork"
