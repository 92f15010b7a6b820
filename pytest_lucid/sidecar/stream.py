"""The two-way stream of one exec: bytes in, standard output and standard error out, apart.

Sockets of the SDK differ by transport (unix, named pipe, TCP, TLS, SSH); the differences end here. What the bytes mean
belongs to the session.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from docker.errors import APIError

from pytest_lucid.engine.frames import STDERR, take_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.engine.connection import Engine

CHUNK_BYTES = 256 * 1024


class StreamClosedError(Exception):
    """The other side has ended, or the connection to it is gone."""


class Stream:
    """An exec of `command` in `container`, running until the stream is closed or the command ends."""

    def __init__(self, engine: Engine, container: str, command: Sequence[str]) -> None:
        made = engine.client.api.exec_create(container, list(command), stdin=True, user="0:0")["Id"]
        self._begin(engine, made)

    @classmethod
    def of(cls, engine: Engine, made: str) -> Stream:
        """Start an exec that was made, and return its stream; it must not have a terminal."""
        stream = cls.__new__(cls)
        stream._begin(engine, made)  # noqa: SLF001 - its own
        return stream

    def _begin(self, engine: Engine, made: str) -> None:
        self._api: Any = engine.client.api
        self._exec = made
        # The engine sends nothing before it is asked: bytes that came along with the response's head would be lost.
        self._response: Any = self._api.exec_start(made, socket=True)
        # Where the SDK wraps a real socket, the wrapper refuses to be read again after a timeout.
        self._socket: Any = getattr(self._response, "_sock", self._response)
        self._frames = bytearray()
        # What has arrived on standard output and standard error, and was not taken yet.
        self.buffers = (bytearray(), bytearray())
        self._chunk = bytearray(CHUNK_BYTES)

    def send(self, data: bytes, deadline: float) -> None:
        """Write all of `data`; raises TimeoutError at `deadline` (time.monotonic), StreamClosedError at the end."""
        view = memoryview(data)
        while view:
            self._socket.settimeout(_remaining(deadline))
            try:
                view = view[self._socket.send(view) :]
            except TimeoutError:
                raise
            except OSError as error:
                raise StreamClosedError(str(error)) from error

    def receive(self, deadline: float) -> None:
        """Wait for more, and sort it into the buffers; raises like `send`."""
        self._socket.settimeout(_remaining(deadline))
        try:
            # Not `recv`: where the engine is reached by a named pipe of Windows, the SDK's ignores the timeout.
            count = self._socket.recv_into(self._chunk)
        except TimeoutError:
            raise
        except OSError as error:
            raise StreamClosedError(str(error)) from error
        if not count:
            raise StreamClosedError("the session has ended")
        self._frames += memoryview(self._chunk)[:count]
        for stream, payload in take_frames(self._frames):
            output = self.buffers[stream == STDERR]
            output += payload

    def read_to_the_end(self, deadline: float) -> None:
        """Sort what is still arriving into the buffers, until the other side has ended, or until `deadline`."""
        with suppress(TimeoutError, StreamClosedError):
            while True:
                self.receive(deadline)

    def check(self) -> None:
        """Ask the engine whether the other side still runs; raises StreamClosedError if not.

        Engines do not always close the stream of an exec whose container was killed.
        """
        try:
            running = self._api.exec_inspect(self._exec)["Running"]
        except APIError as error:
            raise StreamClosedError(str(error.explanation)) from error
        if not running:
            raise StreamClosedError("the session has ended")

    def close(self) -> None:
        """End the stream; the command inside sees the end of its input."""
        for closable in (self._socket, self._response):
            with suppress(OSError):
                closable.close()


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
