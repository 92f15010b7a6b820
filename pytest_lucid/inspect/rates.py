"""Many requests at once over one connection, and how each was answered. Judging the answers is left to the checks."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import EngineError
from pytest_lucid.inspect.http import AGENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.sidecar.pipe import Pipe


@dataclass(frozen=True)
class Admission:
    """How one request was answered: its status, and after how many seconds the client may ask again, if it says so."""

    status: int
    retry_after: str | None


def ask_repeatedly(pipe: Pipe, path: str, count: int) -> Sequence[Admission]:
    """GET `path` over and over, each time in the name of another client by X-Forwarded-For.

    Raises EngineError where the answers do not come.
    """
    requests = (
        f"GET {path} HTTP/1.1\r\nHost: gateway\r\nUser-Agent: {AGENT}\r\nX-Request-ID: {AGENT}-{number}\r\n"
        f"X-Forwarded-For: 203.0.113.{number % 256}\r\n\r\n".encode()
        for number in range(count)
    )
    try:
        # One after the other, the way to the engine and back would take its time for each.
        pipe.sendall(b"".join(requests))
        return [_admission(pipe) for _ in range(count)]
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(
            f"{count} requests for {path} were not answered: {str(error) or type(error).__name__}"
        ) from error


def _admission(pipe: Any) -> Admission:
    response = http.client.HTTPResponse(pipe, method="GET")
    response.begin()
    response.read()
    return Admission(response.status, response.headers.get("Retry-After"))
