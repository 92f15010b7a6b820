"""One question to gRPC's standard health service (grpc.health.v1), over any connection; HTTP/2 by the library h2.

gRPC's own library is as large as all others together, and wants a socket; this question needs neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# HealthCheckResponse.ServingStatus of health.proto.
STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
# The health of the server as a whole: a HealthCheckRequest without a field. One byte says that it is not compressed,
# four its length.
REQUEST = b"\x00" + (0).to_bytes(4, "big")
PREFIX_BYTES = 5
# The one field of a HealthCheckResponse: number 1, a varint.
STATUS_FIELD = 0x08
FIELD_BYTES = 2
LARGEST = 4096


@dataclass(frozen=True)
class GrpcHealth:
    """What the health service said: a status of health.proto, or why there is none."""

    status: str | None = None
    error: str = ""

    def __str__(self) -> str:
        """Return the answer in one line, for messages."""
        return self.status or f"no answer: {self.error}"


def ask_health(authority: str, send: Callable[[bytes], None], receive: Callable[[], bytes]) -> GrpcHealth:
    """Ask the server called `authority` (host:port); `receive` returns what comes next, nothing at the end.

    An OSError of either, such as a timeout, is an answer too: there was none.
    """
    connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    connection.initiate_connection()
    stream = connection.get_next_available_stream_id()
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/grpc.health.v1.Health/Check",
        ":authority": authority,
        "te": "trailers",
        "content-type": "application/grpc",
        "user-agent": "pytest-lucid",
    }
    connection.send_headers(stream, list(headers.items()))
    connection.send_data(stream, REQUEST, end_stream=True)
    answer = _Answer()
    try:
        while not answer.ended:
            send(connection.data_to_send())
            received = receive()
            if not received:
                return GrpcHealth(error="the connection was closed")
            answer.take(connection.receive_data(received))
    except H2Error as error:
        return GrpcHealth(error=f"what came is not HTTP/2: {str(error) or type(error).__name__}")
    except OSError as error:
        return GrpcHealth(error=str(error) or type(error).__name__)
    return answer.health


class _Answer:
    def __init__(self) -> None:
        self.ended = False
        self._body = bytearray()
        self._headers: dict[str, str] = {}
        self._problem = ""

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, (ResponseReceived, TrailersReceived)):
                self._headers.update((str(name), str(value)) for name, value in event.headers or ())
            elif isinstance(event, DataReceived):
                self._body += event.data or b""
            elif isinstance(event, (StreamReset, ConnectionTerminated)):
                code = event.error_code
                self._problem = f"it ended with {code.name if isinstance(code, ErrorCodes) else code}"
            self.ended |= isinstance(event, (StreamEnded, StreamReset, ConnectionTerminated))
        self.ended |= len(self._body) > LARGEST

    @property
    def health(self) -> GrpcHealth:
        if self._problem:
            return GrpcHealth(error=self._problem)
        if self._headers.get("grpc-status") != "0":
            status, reason = self._headers.get("grpc-status", "none"), self._headers.get("grpc-message", "")
            return GrpcHealth(error=f"grpc-status {status} {reason}".strip())
        message = bytes(self._body[PREFIX_BYTES:])
        # A field that has the default value, 0, is not sent.
        field, number = (message[0], message[1]) if len(message) == FIELD_BYTES else (STATUS_FIELD, 0)
        if field == STATUS_FIELD and number in STATUSES and len(message) in {0, FIELD_BYTES}:
            return GrpcHealth(STATUSES[number])
        return GrpcHealth(error=f"the answer is not understood: {bytes(self._body[:32]).hex()}")
