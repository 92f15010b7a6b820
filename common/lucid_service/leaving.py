"""How a connection ends: the client gets its whole answer, and never longer than it may take to read it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LINGER = 2.0
"""Seconds for which what a client still sends is thrown away: a close would reset it, and lose the answer with it."""
STALLED = 30.0
"""Seconds that a client may take for what waits for it, 64 KiB at most, until it is let go."""


class Leaving:
    """The transport of a connection, whose `close` leaves the client the time to read what it was sent.

    `is_sending()` says whether the client has more to send; what it sends is thrown away from then on, and whoever
    gets it asks `is_closing` first.
    """

    def __init__(self, transport: asyncio.Transport, is_sending: Callable[[], bool]) -> None:
        self._transport = transport
        self._is_sending = is_sending
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the transport itself does."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Tell whether nothing more is sent or read."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Send what waits, and close; if the client is still sending, it gets LINGER seconds to see the end."""
        if self._closing:
            return
        self._closing = True
        if self._transport.is_closing():
            return
        if not self._is_sending():
            self._end()
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()
        self._after(LINGER, self._end)

    def stalls(self) -> None:
        """Let the client go unless it reads within STALLED seconds."""
        self._after(STALLED, self._transport.abort)

    def goes_on(self) -> None:
        """It has read, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._transport.close()
        self.stalls()

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        self.goes_on()
        self._timer = self._loop.call_later(seconds, do)
