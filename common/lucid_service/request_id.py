"""The identity of the request being served: from the client's headers to the response, the errors, the log and peers.

The access log and the count of requests are written here too, because they are about the same request. What a request
does belongs elsewhere.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
import uuid
from contextvars import ContextVar
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lucid_service.metrics import Metrics

HEADER = "X-Request-ID"
CURRENT: ContextVar[str] = ContextVar("request_id", default="")
TRACE: ContextVar[tuple[str, str, str]] = ContextVar("trace", default=("", "00", ""))
"""Trace id, flags and state of W3C Trace Context; the id is empty outside of a request."""

_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?P<id>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})(?:-.*)?"
)
_STATE = re.compile(r"[\x20-\x7e]{0,512}")
"""A tracestate; every participant must pass on 512 characters, by W3C Trace Context."""
_SERVER_ERROR = 500
_access = logging.getLogger("lucid_service.access")


def outgoing_headers() -> dict[str, str]:
    """Return what a call to a peer carries, so that it can be followed from service to service."""
    trace_id, flags, state = TRACE.get()
    if not trace_id:
        return {}
    headers = {HEADER: CURRENT.get(), "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"}
    return {**headers, "tracestate": state} if state else headers


def take_over(headers: Mapping[str, str]) -> str:
    """Give what is done from here on the id and the trace of `headers`, or new ones; return the id.

    `headers` has lower-case names, and comes from a client: what is not sane in it counts as not sent.
    """
    offered = headers.get(HEADER.lower(), "")
    request_id = offered if _SANE.fullmatch(offered) else uuid.uuid4().hex
    # Never reset: the server handles each request in a task of its own, whose context ends with it, and the
    # traceback of a failed request is logged after this frame is gone.
    CURRENT.set(request_id)
    TRACE.set(_trace(headers))
    return request_id


class RequestIdMiddleware:
    """Gives every request an id and a trace, returns the id as X-Request-ID, logs and counts the request when done."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a sane id from the client is kept, so that it can be followed across services."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = take_over(Headers(scope=scope))
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
            seconds = time.perf_counter() - started
            self._metrics.count(scope, status, seconds)
            _log_access(scope, status, seconds)


def _trace(headers: Mapping[str, str]) -> tuple[str, str, str]:
    found = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    if not found:
        return (secrets.token_hex(16), "00", "")
    state = headers.get("tracestate", "")
    return (found["id"], found["flags"], state if _STATE.fullmatch(state) else "")


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
