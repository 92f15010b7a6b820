"""The heads of requests that h11 lets through and nobody else should have to read: too large ones, ambiguous ones.

h11 bounds the head that comes in parts; here is the bound on one that comes whole.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from lucid_service.errors import ApiError, on_http_error

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LARGEST_HEAD = 16384
"""Bytes of request line and headers together."""
MOST_HEADERS = 100
_LENGTHS = frozenset((b"content-length", b"transfer-encoding"))


class HeadMiddleware:
    """Refuses a request for its head, without a look at the rest of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it: 431 for a head beyond the bounds, 400 for a body of two lengths."""
        if scope["type"] == "http" and (error := _complaint(scope)):
            await (await on_http_error(Request(scope), error))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _complaint(scope: Scope) -> ApiError | None:
    if not _fits(scope):
        bounds = {"largest": LARGEST_HEAD, "most": MOST_HEADERS}
        too_large = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        return _refusal(too_large, "The request line and the headers are too large.", bounds)
    if {name for name, _value in scope["headers"]} >= _LENGTHS:
        # RFC 9112, 6.1: servers read such a body differently, and what one takes for its end is the next request.
        return _refusal(HTTPStatus.BAD_REQUEST, "The body has both a length and a transfer encoding.", {})
    return None


def _refusal(status: HTTPStatus, message: str, details: dict[str, Any]) -> ApiError:
    return ApiError(status, message, details, headers={"Connection": "close"})


def _fits(scope: Scope) -> bool:
    headers = scope["headers"]
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in headers)
    line = len(scope["method"]) + len(scope["raw_path"]) + len(scope["query_string"])
    return len(headers) <= MOST_HEADERS and size + line <= LARGEST_HEAD
