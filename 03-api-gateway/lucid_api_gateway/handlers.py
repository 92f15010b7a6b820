"""The gateway's API over HTTP: who asks, may it, how often, and where does it go? The passing itself is in `relay`."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2
from lucid_service.api import BINARY, Media, Operation
from lucid_service.app import service_of
from lucid_service.circuit import CircuitOpenError
from lucid_service.errors import ApiError
from lucid_service.models import Input
from lucid_service.tokens import demand

from lucid_api_gateway.directory import NoInstanceError
from lucid_api_gateway.relay import Relay
from lucid_api_gateway.routes import AREAS, BASE, Area, is_plain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from lucid_api_gateway.gateway import Gateway


class Rest(Input, frozen=True):
    """What follows the area in a path."""

    rest: str


async def pass_on(request: Request, area: Area) -> Response:
    """Admit a request, and return the answer of the service that its area belongs to.

    Raises ApiError: 400 for what is no query, 401 and 403 for tokens, 404 for a path with escapes, 429 beyond the rate,
    503 if no instance of the service is healthy or its circuit is open; 502 and 504 come from the relay.
    """
    gateway: Gateway = service_of(request)
    _admit(request, gateway, area)
    path: bytes = request.scope["raw_path"]
    if not is_plain(path):
        raise ApiError(HTTPStatus.NOT_FOUND, "Only plain paths are passed on.")
    query: bytes = request.scope["query_string"]
    try:
        base = httpx2.URL(await gateway.directory.url_of(area.service))
        url = base.copy_with(raw_path=path + b"?" + query if query else path)
        call = gateway.circuits.to(area.service).begin()
    except httpx2.InvalidURL as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "The query is none.", {"reason": str(error)}) from error
    except NoInstanceError as error:
        raise _unavailable(area, "No instance of the service is healthy.", 1) from error
    except CircuitOpenError as error:
        raise _unavailable(area, "The service has failed repeatedly, and is left alone.", error.wait) from error
    relay = Relay(request, gateway.clients[area.service], url, call, area.largest)
    if area.token:
        relay.pass_header("authorization")
    return relay


def _admit(request: Request, gateway: Gateway, area: Area) -> None:
    address = request.client.host if request.client else ""
    try:
        identity = gateway.tokens.identify(request.headers.get("authorization", ""))
    except ApiError:
        # Guessing tokens is counted like asking without one.
        gateway.rates.count_public(address)
        raise
    if identity is None:
        gateway.rates.count_public(address)
    else:
        gateway.rates.count_token(identity)
    if area.needs_token(request.method, request.url.path):
        demand(identity, *area.writers)


def _unavailable(area: Area, message: str, wait: float) -> ApiError:
    seconds = str(max(1, math.ceil(wait)))
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE, message, {"service": area.service}, headers={"Retry-After": seconds}
    )


def _below(area: Area) -> Callable[..., Awaitable[Response]]:
    async def handle(request: Request, path: Rest) -> Response:  # noqa: ARG001  it is passed as it was sent
        return await pass_on(request, area)

    return handle


def _at(area: Area) -> Callable[..., Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        return await pass_on(request, area)

    return handle


_ERRORS = {
    401: "A token is needed, or the one that came is not valid",
    403: "The token's role does not allow it",
    404: "The service knows no such thing",
    429: "Too many requests in a minute",
    502: "The service does not answer as it must",
    503: "The service is not there, or is left alone for a while",
    504: "The service does not answer in time",
}


def _operations() -> Iterator[Operation]:
    for area in AREAS:
        for method in area.methods:
            summary = f"{method} what {area.service} serves below {area.name}; see its own document"
            token = area.needs_token(method, "")
            body = None if method in {"GET", "HEAD"} else BINARY
            answers = {200: Media("*/*"), 201: Media("*/*"), 202: Media("*/*"), 206: Media("*/*")}
            for suffix, make, path in (("", _at, None), ("/{rest:path}", _below, Rest)):
                yield Operation(
                    method,
                    f"{BASE}/{area.name}{suffix}",
                    make(area),
                    summary,
                    answers,
                    path=path,
                    body=body,
                    errors=_ERRORS,
                    token=token,
                )


OPERATIONS = tuple(_operations())
