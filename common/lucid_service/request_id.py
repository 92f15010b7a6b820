"""The identity of the request being served: from the client's header to the response, the errors and the log.

The access log is written here too, because it is about the same request. What a request does belongs elsewhere.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from contextvars import ContextVar
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
CURRENT: ContextVar[str] = ContextVar("request_id", default="")

_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_SERVER_ERROR = 500
_access = logging.getLogger("lucid_service.access")


class RequestIdMiddleware:
    """Gives every request an id, returns it as X-Request-ID, and writes one line of access log when it is done."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a sane id from the client is kept, so that it can be followed across services."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get(HEADER, "")
        request_id = offered if _SANE.fullmatch(offered) else uuid.uuid4().hex
        # Never reset: the server handles each request in a task of its own, whose context ends with it, and the
        # traceback of a failed request is logged after this frame is gone.
        CURRENT.set(request_id)
        status = _SERVER_ERROR
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            _log_access(scope, status, time.perf_counter() - started)


def _log_access(scope: Scope, status: int, seconds: float) -> None:
    path = scope["path"]
    # Probes come every few seconds for ever and would drown everything else.
    level = logging.DEBUG if path == "/health" or path.startswith("/health/") else logging.INFO
    client = scope.get("client") or ("-",)
    _access.log(
        level,
        "%s %s %d",
        scope["method"],
        path,
        status,
        extra={"client": client[0], "status": status, "duration_ms": round(seconds * 1000, 1)},
    )
