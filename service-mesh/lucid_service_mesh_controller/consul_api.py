"""Consul's read-only discovery API, passed through; Lucid's own service-discovery API does not belong here.

Consul itself is not published, and only these paths of it are meant for others.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2
from lucid_service.api import Media, Operation
from lucid_service.client import Answer, PeerClient, PeerError
from lucid_service.errors import ApiError
from lucid_service.models import Input
from starlette.responses import Response

if TYPE_CHECKING:
    from lucid_service.config import Config
    from starlette.requests import Request

TIMEOUT = 5.0
"""Seconds for an answer of Consul."""
LONGEST_WAIT = 640.0
"""Seconds for the answer to a blocking query: Consul's maximum of 10 minutes and the sixteenth that it may add."""

LARGEST = 8 << 20
"""Bytes of an answer. A catalog entry has about 1 KiB."""
LONGEST_REASON = 500

# Checked on the path as it was sent: no escapes, no empty segment, neither . nor .. as a segment.
_SEGMENT = rb"/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~:@-]+"
_ALLOWED = re.compile(rb"/v1/(?:status/leader|(?:catalog|health)(?:" + _SEGMENT + rb")+)")


async def pass_through(request: Request) -> Response:
    """Return Consul's answer to the same path and query.

    Raises ApiError: 404 for a path outside of the discovery API, Consul's own status if it refuses the query,
    502 if it fails, 503 if it cannot be reached.
    """
    path: bytes = request.scope["raw_path"]
    if not _ALLOWED.fullmatch(path):
        raise ApiError(HTTPStatus.NOT_FOUND, "Only plain paths of the discovery API are passed to Consul.")
    query: bytes = request.scope["query_string"]
    config: Config = request.app.state.config
    url = httpx2.URL(config.discovery_url).copy_with(raw_path=path + b"?" + query if query else path)
    # With an index Consul answers only when something has changed.
    timeout = LONGEST_WAIT if "index" in request.query_params else TIMEOUT
    answer = await _unless_gone(request, url, timeout)
    if answer.status != HTTPStatus.OK:
        refused = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
        status = answer.status if refused else HTTPStatus.BAD_GATEWAY
        reason = answer.content[:LONGEST_REASON].decode("utf-8", "replace")
        raise ApiError(status, "Consul refused the request.", {"status": answer.status, "reason": reason})
    passed = {name: value for name, value in answer.headers.items() if name.startswith("x-consul-")}
    return Response(answer.content, media_type=answer.headers.get("content-type"), headers=passed)


class Rest(Input, frozen=True):
    """What follows the fixed part of a path."""

    rest: str


async def pass_below(request: Request, path: Rest) -> Response:  # noqa: ARG001  it is passed as it was sent
    """Return Consul's answer to the same path and query, as `pass_through` does."""
    return await pass_through(request)


async def _unless_gone(request: Request, url: httpx2.URL, timeout: float) -> Answer:
    """Ask Consul, and stop asking when the client goes away: blocking queries would pile up for minutes."""
    asking = asyncio.create_task(_ask(url, timeout))
    leaving = asyncio.create_task(_client_left(request))
    try:
        await asyncio.wait((asking, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            raise ApiError(HTTPStatus.BAD_REQUEST, "The client closed the connection.")
        return asking.result()
    except asyncio.CancelledError:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "The service is stopping.") from None
    except PeerError as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "Consul cannot be reached.", {"reason": str(error)}) from error
    finally:
        asking.cancel()
        leaving.cancel()


async def _ask(url: httpx2.URL, timeout: float) -> Answer:
    async with PeerClient() as client:
        return await client.ask("GET", url, seconds=timeout, largest=LARGEST)


async def _client_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


_ERRORS = {
    400: "Consul refuses the query",
    404: "No path of the discovery API",
    502: "Consul fails",
    503: "Consul cannot be reached",
}
_ANSWERS = {200: Media("application/json")}
OPERATIONS = (
    Operation("GET", "/v1/status/leader", pass_through, "Consul's leader", _ANSWERS, errors=_ERRORS),
    Operation("GET", "/v1/catalog/{rest:path}", pass_below, "Consul's catalog", _ANSWERS, path=Rest, errors=_ERRORS),
    Operation("GET", "/v1/health/{rest:path}", pass_below, "Consul's checks", _ANSWERS, path=Rest, errors=_ERRORS),
)
