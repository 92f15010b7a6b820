"""The bound on the head of a request that comes whole; h11 bounds one that comes in parts."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import Request

from lucid_service.errors import ApiError, on_http_error

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LARGEST_HEAD = 16384
"""Bytes of request line and headers together."""
MOST_HEADERS = 100


class HeadLimitMiddleware:
    """Answers 431 to a request whose head is beyond the bounds, without a look at the rest of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or _fits(scope):
            await self._app(scope, receive, send)
            return
        error = ApiError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The request line and the headers are too large.",
            {"largest": LARGEST_HEAD, "most": MOST_HEADERS},
            headers={"Connection": "close"},
        )
        await (await on_http_error(Request(scope), error))(scope, receive, send)


def _fits(scope: Scope) -> bool:
    headers = scope["headers"]
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in headers)
    line = len(scope["method"]) + len(scope["raw_path"]) + len(scope["query_string"])
    return len(headers) <= MOST_HEADERS and size + line <= LARGEST_HEAD
