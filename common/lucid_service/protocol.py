"""The server's HTTP protocol: what uvicorn and h11 refuse before the application sees it has Lucid's format too."""

from __future__ import annotations

import json
import sys
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from lucid_service.errors import error_body
from lucid_service.leaving import Leaving
from lucid_service.request_id import HEADER

if TYPE_CHECKING:
    import asyncio

    from lucid_service.config import Config

PATIENCE = 10.0
"""Seconds until the head of a request has come whole, counted from its first byte or the opening of the connection.

Also until the rest of a body has come that was answered before its end, and is read by nobody.
"""

_MESSAGES = {
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The request line and the headers are too large.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not come in time.",
    HTTPStatus.NOT_IMPLEMENTED: "The transfer encoding is not supported.",
}


class Protocol(H11Protocol):
    """One connection of a service."""

    service: Config
    transport: Leaving  # type: ignore[assignment]
    _waiting: asyncio.TimerHandle | None = None
    _waited: tuple[object, object] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give a new connection its time."""
        super().connection_made(Leaving(transport, self._is_sending))  # type: ignore[arg-type]
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadlines."""
        self._unwatch()
        super().connection_lost(exc)
        self.transport.goes_on()

    def data_received(self, data: bytes) -> None:
        """Parse, then see whether a request has begun; throw away what comes after the end."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Go on with the next request, which has its own deadline."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Wait for a client that does not read, but not for ever."""
        super().pause_writing()
        if not self.transport.is_closing():
            self.transport.stalls()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        if not self.transport.is_closing():
            self.transport.goes_on()

    def send_400_response(self, _msg: str) -> None:
        """Answer what h11 refuses; it is called while h11's exception is handled, which knows the status."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else HTTPStatus.BAD_REQUEST
        self._refuse(HTTPStatus(status), str(error))

    def _is_sending(self) -> bool:
        # After what h11 cannot read, more of the same may come.
        return self.conn.their_state in {h11.SEND_BODY, h11.ERROR}

    def _watch(self) -> None:
        # A client that never ends its head must not hold the connection; between two requests uvicorn closes it.
        # Nor may one that never ends a body which was answered before: uvicorn reads and forgets it for ever.
        states = (self.conn.our_state, self.conn.their_state)
        idle = self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None
        if self.transport.is_closing() or not (idle or states == (h11.DONE, h11.SEND_BODY)):
            self._unwatch()
        elif self._waited != states:
            self._unwatch()
            self._waited, self._waiting = states, self.loop.call_later(PATIENCE, self._give_up)

    def _unwatch(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = self._waited = None

    def _give_up(self) -> None:
        # To a client that sent nothing, an answer would look like one to its next request.
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"its head took more than {PATIENCE:g} s")
        self.transport.close()

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        if self.cycle is not None:
            # The application may be at work on the request; what it sends comes too late.
            self.cycle.disconnected = True
        # After the start of a response nothing else can be said.
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE} and not self.transport.is_closing():
            message = _MESSAGES.get(status, "The request is not HTTP.")
            request_id = uuid.uuid4().hex
            body = error_body(self.service, status, message, {"reason": reason} if reason else {}, request_id)
            content = json.dumps(body).encode()
            headers = {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                HEADER: request_id,
                "Connection": "close",
            }
            response = h11.Response(status_code=status, headers=list(headers.items()), reason=status.phrase)
            for event in (response, h11.Data(data=content), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def protocol_of(service: Config) -> type[Protocol]:
    """Return the class for the connections of one service; the server makes one object per connection."""
    return type("ServiceProtocol", (Protocol,), {"service": service})
