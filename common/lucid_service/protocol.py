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
from lucid_service.request_id import HEADER

if TYPE_CHECKING:
    import asyncio

    from lucid_service.config import Config

PATIENCE = 10.0
"""Seconds until the head of a request has come whole, counted from its first byte or the opening of the connection."""

_MESSAGES = {
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The request line and the headers are too large.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not come in time.",
    HTTPStatus.NOT_IMPLEMENTED: "The transfer encoding is not supported.",
}


class Protocol(H11Protocol):
    """One connection of a service."""

    service: Config
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give a new connection its time."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then see whether a request has begun."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Go on with the next request, which has its own deadline."""
        super().on_response_complete()
        self._watch()

    def send_400_response(self, _msg: str) -> None:
        """Answer what h11 refuses; it is called while h11's exception is handled, which knows the status."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else HTTPStatus.BAD_REQUEST
        self._refuse(HTTPStatus(status), str(error))

    def _watch(self) -> None:
        # A client that never ends its head must not hold the connection; between two requests uvicorn closes it.
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._unwatch()
        elif self._waiting is None and self.timeout_keep_alive_task is None:
            self._waiting = self.loop.call_later(PATIENCE, self._give_up)

    def _unwatch(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        # To a client that sent nothing, an answer would look like one to its next request.
        if self.conn.trailing_data[0]:
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
