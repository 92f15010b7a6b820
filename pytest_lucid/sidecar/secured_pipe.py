"""TLS over a connection that is no socket. What the bytes mean does not belong here."""

from __future__ import annotations

import io
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_lucid.sidecar.pipe import LastingReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.sidecar.pipe import Pipe


class SecuredPipe:
    """A pipe with TLS on it, after the handshake. `sendall` and `makefile` are those of a socket.

    Raises ssl.SSLError where the other side speaks no TLS or is not whom it says it is, TimeoutError at the pipe's
    deadline.
    """

    def __init__(self, pipe: Pipe, context: ssl.SSLContext, server_name: str) -> None:
        self._pipe = pipe
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._reader = LastingReader(_Deciphered(self))
        self._step(self._tls.do_handshake)

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        self._step(lambda: self._tls.write(data))

    def receive(self, count: int) -> bytes:
        """Wait for at most `count` bytes, and return what came: nothing at the end."""
        try:
            return bytes(self._step(lambda: self._tls.read(count)))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return what answers are read from, one after the other: closing it leaves it open."""
        if mode != "rb":
            raise ValueError(f"{mode}: expected rb")
        return self._reader

    def _step(self, act: Callable[[], Any]) -> Any:
        """Do something of TLS, with as many messages to and fro as it takes."""
        while True:
            try:
                done = act()
            except ssl.SSLWantReadError:
                self._flush()
                if data := self._pipe.receive():
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                with suppress(OSError):
                    # The alert that tells the other side why; it need not be there to hear it.
                    self._flush()
                raise
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._pipe.sendall(data)


class _Deciphered(io.RawIOBase):
    def __init__(self, pipe: SecuredPipe) -> None:
        self._pipe = pipe

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._pipe.receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)
