"""Consul's read-only discovery API, passed through; Lucid's own service-discovery API does not belong here.

Consul itself is not published, and only these paths of it are meant for others.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
from lucid_service.client import internal_client
from lucid_service.errors import ApiError
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from lucid_service.config import Config
    from starlette.requests import Request

TIMEOUT = 5.0
"""Seconds for an answer of Consul."""
LONGEST_WAIT = 640.0
"""Seconds for the answer to a blocking query: Consul's maximum of 10 minutes and the sixteenth that it may add."""

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
    url = httpx.URL(config.discovery_url).copy_with(raw_path=path + b"?" + query if query else path)
    # With an index Consul answers only when something has changed.
    timeout = LONGEST_WAIT if "index" in request.query_params else TIMEOUT
    answer = await _unless_gone(request, url, timeout)
    if answer.status_code != HTTPStatus.OK:
        refused = HTTPStatus.BAD_REQUEST <= answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
        status = answer.status_code if refused else HTTPStatus.BAD_GATEWAY
        raise ApiError(status, "Consul refused the request.", {"status": answer.status_code, "reason": answer.text})
    passed = {name: value for name, value in answer.headers.items() if name.startswith("x-consul-")}
    return Response(answer.content, media_type=answer.headers.get("content-type"), headers=passed)


async def _unless_gone(request: Request, url: httpx.URL, timeout: float) -> httpx.Response:
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
    except httpx.HTTPError as error:
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "Consul cannot be reached.", {"reason": repr(error)}) from error
    finally:
        asking.cancel()
        leaving.cancel()


async def _ask(url: httpx.URL, timeout: float) -> httpx.Response:
    async with internal_client(TIMEOUT) as client:
        return await client.get(url, timeout=httpx.Timeout(TIMEOUT, read=timeout))


async def _client_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


ROUTES = (
    Route("/v1/status/leader", pass_through),
    Route("/v1/catalog/{path:path}", pass_through),
    Route("/v1/health/{path:path}", pass_through),
)
