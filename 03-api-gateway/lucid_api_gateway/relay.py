"""Passes a request to a service and its answer back, both as streams; which service it is, is decided elsewhere."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx2
from lucid_service.api import stream_of
from lucid_service.client import PeerClient, PeerError
from lucid_service.errors import ApiError
from lucid_service.models import ErrorBody
from lucid_service.strict_json import JsonError, decode
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from lucid_service.circuit import Call
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

CONNECT_TIMEOUT = 2.0
MOST_CALLS = 100
"""Under way to one service: each has connections of its own, so that a slow one takes them from no other."""
IDLE = 30.0
"""Seconds without progress, in either direction; also from the end of the request to the head of the answer."""
TOTAL = 600.0
"""Seconds for everything: one byte now and then is progress too."""
LARGEST_ANSWER = 64 << 20
LARGEST_ERROR = 65536
"""Bytes of a body; a chunk has at most 16 MiB, an error is small."""

_TO_SERVICE = ("accept", "content-type", "range", "if-match", "if-none-match", "if-range")
_TO_CLIENT = (
    *(b"content-type", b"content-length", b"content-range", b"accept-ranges", b"etag", b"last-modified"),
    *(b"cache-control", b"retry-after", b"allow"),
)
_TIMEOUT = httpx2.Timeout(None, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT)
_BODILESS = frozenset(("GET", "HEAD"))

_logger = logging.getLogger(__name__)


class Relay(Response):
    """The answer of a service to `request`, at `url`; ends `call` with its verdict.

    Not a StreamingResponse: that listens for the client's leaving, and would take the body of the request for it.
    """

    def __init__(self, request: Request, client: PeerClient, url: httpx2.URL, call: Call, largest: int) -> None:
        self._request, self._client, self._url, self._call, self._largest = request, client, url, call, largest
        passed = _TO_SERVICE if request.method in _BODILESS else (*_TO_SERVICE, "content-length")
        self._passed: dict[str, bytes] = {}
        for name in passed:
            self.pass_header(name)
        self._started = False
        self._on_client = False
        self._deadline = asyncio.timeout(None)
        self._end = 0.0

    def pass_header(self, name: str) -> None:
        """Pass one more header of the request on."""
        if name in self._request.headers:
            # Bytes that are not ASCII are the service's to judge.
            self._passed[name] = self._request.headers[name].encode("latin-1")

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Pass request and answer on. Raises ApiError as long as nothing is sent to the client."""
        self._end = asyncio.get_running_loop().time() + TOTAL
        with self._call:
            try:
                async with self._deadline:
                    await self._exchange(send)
            except TimeoutError as error:
                self._fail(error, late=True)
            except (httpx2.PoolTimeout, httpx2.LocalProtocolError) as error:
                # Neither says anything about the service: it was not asked, or not by the rules.
                self._refuse(error)
            except (PeerError, httpx2.HTTPError) as error:
                self._fail(error, late=isinstance(error, httpx2.TimeoutException))

    def _refuse(self, error: Exception) -> None:
        if self._started:
            _logger.error("%s was asked against the rules: %r", self._url, error)
            return
        if isinstance(error, httpx2.PoolTimeout):
            headers = {"Retry-After": "1"}
            message = "The service has as many requests as it may have at a time."
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, message, headers=headers) from error
        raise ApiError(HTTPStatus.BAD_REQUEST, "The request cannot be passed on.") from error

    def _fail(self, error: Exception, *, late: bool) -> None:
        if self._on_client:
            # A slow client is no fault of the service.
            if not self._started:
                raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "The body did not come in time.") from error
            return
        self._call.failed()
        if self._started:
            # The client sees the connection end before the body does; nothing else can be said any more.
            _logger.warning("%s broke off its answer: %r", self._url, error)
            return
        raise ApiError(
            HTTPStatus.GATEWAY_TIMEOUT if late else HTTPStatus.BAD_GATEWAY,
            "The service did not answer in time." if late else "The service did not answer as it must.",
            {"reason": type(error).__name__},
        ) from error

    async def _exchange(self, send: Send) -> None:
        async with AsyncExitStack() as stack:
            response = await self._answer(stack)
            if response.status_code >= HTTPStatus.BAD_REQUEST and self._request.method != "HEAD":
                await self._pass_error(response, send)
            elif HTTPStatus.OK <= response.status_code < HTTPStatus.MULTIPLE_CHOICES or response.status_code in {
                HTTPStatus.NOT_MODIFIED,
                *range(HTTPStatus.BAD_REQUEST, 600),
            }:
                await self._pass_body(response, send)
            else:
                raise PeerError(f"status {response.status_code}")
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._call.succeeded()
        else:
            self._call.failed()

    async def _answer(self, stack: AsyncExitStack) -> httpx2.Response:
        if self._request.method not in _BODILESS:
            return await stack.enter_async_context(self._open(self._body()))
        try:
            return await stack.enter_async_context(self._open(None))
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
            # A kept connection may have been closed, by a service that started anew.
            return await stack.enter_async_context(self._open(None))

    def _open(self, content: AsyncIterator[bytes] | None) -> AbstractAsyncContextManager[httpx2.Response]:
        self._progress()
        method, headers = self._request.method, self._passed
        return self._client.stream(method, self._url, content=content, headers=headers, timeout=_TIMEOUT)

    async def _body(self) -> AsyncIterator[bytes]:
        self._on_client = True
        async for chunk in stream_of(self._request, self._largest):
            self._on_client = False
            self._progress()
            yield chunk
            self._on_client = True
        self._on_client = False
        self._progress()

    async def _pass_error(self, response: httpx2.Response, send: Send) -> None:
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > LARGEST_ERROR:
                raise PeerError("the body of its error is too large")
        try:
            decode(bytes(content), ErrorBody)
        except JsonError as error:
            raise PeerError(f"status {response.status_code} without Lucid's error format") from error
        await self._start(response, send, {b"content-length": b"%d" % len(content)})
        await send({"type": "http.response.body", "body": bytes(content)})

    async def _pass_body(self, response: httpx2.Response, send: Send) -> None:
        declared = response.headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > LARGEST_ANSWER:
            raise PeerError(f"an answer of {declared} bytes")
        await self._start(response, send, {})
        sent = 0
        async for chunk in response.aiter_raw():
            sent += len(chunk)
            if sent > LARGEST_ANSWER:
                raise PeerError(f"an answer of more than {LARGEST_ANSWER} bytes")
            self._progress()
            self._on_client = True
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self._on_client = False
        await send({"type": "http.response.body", "body": b""})

    async def _start(self, response: httpx2.Response, send: Send, changed: Mapping[bytes, bytes]) -> None:
        theirs = {name.lower(): value for name, value in response.headers.raw}
        raw = [(name, value) for name, value in {**theirs, **changed}.items() if name in _TO_CLIENT]
        await send({"type": "http.response.start", "status": response.status_code, "headers": raw})
        self._started = True

    def _progress(self) -> None:
        self._deadline.reschedule(min(asyncio.get_running_loop().time() + IDLE, self._end))
