"""Operations: one method on one path of a service's API, with the types of what goes in and comes out.

The types are the one source: requests are parsed into them, and the OpenAPI document is built from them. What an
operation does belongs to its service.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from lucid_service.errors import ApiError
from lucid_service.metrics import ROUTE
from lucid_service.strict_json import JsonError, ShapeError, decode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping

    from starlette.requests import Request

LARGEST_JSON = 1 << 20
"""Bytes of a JSON body, unless the operation says otherwise."""
MOST_JSON = 16 << 20
"""Bytes of all JSON bodies together that are read or worked on at a time; twice that is needed to read them."""
PATIENCE = 30.0
"""Seconds until a JSON body has come whole."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Media:
    """A body that is not JSON, and is streamed."""

    type: str


BINARY = Media("application/octet-stream")


@dataclass(frozen=True)
class Operation:
    """One operation. `handler(request)` also gets `path`, `query` and `body`, each if its type is given here.

    `path` and `query` are Structs with a field per parameter; `body` is any type msgspec can decode, or a Media, which
    the handler reads itself with `stream_of`. `answers` has the type of the body by status, None for an empty one; what
    the handler returns is encoded with the first status, unless it is a Response. `errors` says which statuses from 400
    on belong to this operation, and why; those of parsing need no mention. The handler raises them as ApiError.
    """

    method: str
    route: str
    handler: Callable[..., Awaitable[Any]]
    summary: str
    answers: Mapping[int, Any]
    path: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    body: Any = None
    largest: int = LARGEST_JSON
    errors: Mapping[int, str] = field(default_factory=dict)
    token: bool = False
    """Whether a token is needed: documented here, and checked by the API gateway only."""

    def __post_init__(self) -> None:
        wanted = {name for name in ("path", "query") if getattr(self, name) is not None}
        if self.body is not None and not isinstance(self.body, Media):
            wanted.add("body")
        given = set([*inspect.signature(self.handler).parameters][1:])
        if wanted != given:
            raise TypeError(f"{self.method} {self.route}: the handler takes {given}, its operation gives {wanted}")

    async def answer(self, request: Request) -> Response:
        """Parse the request, call the handler, encode what it returns. Raises ApiError for what cannot be parsed."""
        arguments: dict[str, Any] = {}
        if self.path is not None:
            arguments["path"] = _convert(request.path_params, self.path, "path")
        if self.query is not None:
            arguments["query"] = _convert(dict(request.query_params), self.query, "query")
        bodies: Bodies = request.app.state.bodies
        with bodies.one() as share:
            if self.body is not None and not isinstance(self.body, Media):
                arguments["body"] = await _json_of(request, self.body, self.largest, share)
            result = await self.handler(request, **arguments)
        if isinstance(result, Response):
            return result
        content = b"" if result is None else msgspec.json.encode(result)
        return Response(content, next(iter(self.answers)), media_type="application/json" if content else None)


class Bodies:
    """What all requests of an application hold of their JSON bodies."""

    def __init__(self) -> None:
        self.held = 0

    @contextmanager
    def one(self) -> Iterator[Share]:
        """Yield the share of one request, which is given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.size


class Share:
    """What one request holds."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.size = 0

    def grow(self, size: int) -> None:
        """Take `size` bytes more. Raises ApiError 503 where all requests together have too many."""
        if self._bodies.held + size > MOST_JSON:
            headers = {"Retry-After": "1", "Connection": "close"}
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "Too many bodies come at a time.", headers=headers)
        self._bodies.held += size
        self.size += size


def routes_of(operations: Iterable[Operation]) -> list[Route]:
    """Return one route per path, in order, so that a 405 names all methods of the path; GET serves HEAD too."""
    by_route: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        methods = by_route.setdefault(operation.route, {})
        if operation.method in methods:
            raise TypeError(f"{operation.method} {operation.route} is there twice")
        methods[operation.method] = operation
    return [_route(route, methods) for route, methods in by_route.items()]


def _route(route: str, methods: Mapping[str, Operation]) -> Route:
    async def dispatch(request: Request) -> Response:
        request.scope[ROUTE] = route
        operation = methods.get(request.method) or methods["GET"]
        return await operation.answer(request)

    return Route(route, dispatch, methods=list(methods))


async def stream_of(request: Request, largest: int) -> AsyncIterator[bytes]:
    """Yield the body as it comes. Raises ApiError 413 before the first byte if it says so, else beyond `largest`."""
    declared = request.headers.get("content-length", "0")
    # The server lets no other than digits through.
    read = 0
    if int(declared) > largest:
        raise _too_large(largest)
    async for chunk in request.stream():
        read += len(chunk)
        if read > largest:
            raise _too_large(largest)
        if chunk:
            yield chunk


def _too_large(largest: int) -> ApiError:
    # What is left of the body is not read, so the connection cannot serve another request.
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is too large.",
        {"largest": largest},
        headers={"Connection": "close"},
    )


def _convert(given: Mapping[str, Any], kind: type[_T], place: str) -> _T:
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY, f"The {place} is not as expected.", {"reason": str(error)}
        ) from error


async def _json_of(request: Request, kind: type[_T], largest: int, share: Share) -> _T:
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media != "application/json":
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be JSON.", {"expected": "application/json"})
    text = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in stream_of(request, largest):
                share.grow(len(chunk))
                text += chunk
    except TimeoutError as error:
        raise ApiError(
            HTTPStatus.REQUEST_TIMEOUT, "The body did not come in time.", headers={"Connection": "close"}
        ) from error
    try:
        return decode(bytes(text), kind)
    except ShapeError as error:
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "The body is not as expected.", {"reason": str(error)}
        ) from error
    except JsonError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "The body is not JSON.", {"reason": str(error)}) from error
