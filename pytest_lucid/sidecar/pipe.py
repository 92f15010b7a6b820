"""A connection to a port inside a container, also to one that is published nowhere: bytes in, bytes out.

It is made by busybox's nc in the sidecar, so it works wherever the engine is. What the bytes mean does not belong here.
"""

from __future__ import annotations

import io
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from docker.errors import NotFound

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.sidecar.stream import Stream, StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.sidecar.session import Session

SECONDS = 30.0
LOOPBACK = "127.0.0.1"


class Pipe:
    """The connection. `sendall` and `makefile` are those of a socket, so that http.client can read answers from it."""

    def __init__(self, stream: Stream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline
        self._reader = LastingReader(_Incoming(stream, deadline))

    def sendall(self, data: bytes) -> None:
        """Send all of `data`; raises TimeoutError at the deadline, ConnectionError where nobody takes it."""
        try:
            self._stream.send(data, self._deadline)
        except StreamClosedError as error:
            raise ConnectionResetError(str(error)) from error

    def receive(self) -> bytes:
        """Wait for bytes, and return what came: nothing at the end. Raises TimeoutError at the deadline."""
        return self._reader.read1()

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return what answers are read from, one after the other: closing it leaves it open."""
        if mode != "rb":
            raise ValueError(f"{mode}: expected rb")
        return self._reader


class _Incoming(io.RawIOBase):
    def __init__(self, stream: Stream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        output, _ = self._stream.buffers
        while not output:
            try:
                self._stream.receive(self._deadline)
            except StreamClosedError:
                break
        count = min(len(buffer), len(output))
        buffer[:count] = output[:count]
        del output[:count]
        return count


class LastingReader(io.BufferedReader):
    """What several answers are read from, one after the other."""

    def close(self) -> None:
        """Stay open: http.client closes after each answer, and the next one may be in the buffer already."""


@contextmanager
def connected(session: Session, port: int, seconds: float = SECONDS, address: str = LOOPBACK) -> Iterator[Pipe]:
    """Connect to `port` of `address`, on the network of the session's container, for `seconds` at most.

    Raises MissingError or EngineError where there is no sidecar. A port at which nobody listens gives no bytes.
    """
    session.open()
    sidecar = session.sidecar
    begin = partial(Stream, sidecar.engine, sidecar.name, ["/bin/busybox", "nc", address, str(port)])
    with engine_errors(f"connecting to port {port} inside {sidecar.target}"):
        try:
            stream = begin()
        except NotFound:
            # The sidecar went with its container, which may have come back: a command notices, and brings a new one.
            session.run(":")
            stream = begin()
    try:
        yield Pipe(stream, time.monotonic() + seconds)
    finally:
        stream.close()
