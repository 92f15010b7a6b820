"""The HTTP client for containers of the same network; nothing outside of it is ever asked.

No peer is trusted: time, size, headers and encoding of what is read are bounded, so that one misbehaving peer costs a
failed call and nothing else.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

from lucid_service.request_id import outgoing_headers
from lucid_service.strict_json import JsonError, decode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType
    from typing import Self

LARGEST = 1 << 20
"""Bytes of a body, unless the call says otherwise."""
MOST_HEADERS = 100
LARGEST_HEADERS = 16384
"""Bytes of all header names and values together."""
_CONNECTIONS = 100
_KEPT = 2.0
"""Seconds; a service closes its idle connections after 5, and a request must not cross the closing."""

_T = TypeVar("_T")


class PeerError(Exception):
    """A peer cannot be reached, is too slow, or answers what it must not; the message says which."""


@dataclass(frozen=True)
class Answer:
    """One answer that was read whole; `local` is this host's own address on the connection."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    local: str

    def json(self, kind: type[_T]) -> _T:
        """Return the body as a `kind`; raises PeerError if it is none."""
        try:
            return decode(self.content, kind)
        except JsonError as error:
            raise PeerError(f"the answer is not as expected: {error}") from error


class PeerClient:
    """Asks peers within bounds; a context manager, which closes the connections.

    It has at most `most` connections; who needs another waits for it, as long as the call may take. `keep` keeps them
    open between calls. Probes must not: one over an old connection would tell about the past,
    and the peer may have been replaced since. Proxies of the environment are ignored, redirects are not followed. URLs
    are plain HTTP, so the TLS context trusts nobody, which saves reading the certificate bundle.
    """

    def __init__(self, *, keep: bool = False, most: int = _CONNECTIONS) -> None:
        self._client = httpx2.AsyncClient(
            timeout=None,
            trust_env=False,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            limits=httpx2.Limits(
                max_connections=most,
                max_keepalive_connections=most if keep else 0,
                keepalive_expiry=_KEPT,
            ),
            headers={"Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        url: str | httpx2.URL,
        *,
        seconds: float,
        largest: int = LARGEST,
        content: bytes | None = None,
    ) -> Answer:
        """Return the whole answer to one request, whatever its status; request id and trace are passed on.

        `content` is JSON.

        Raises PeerError if it is not there, whole, within `seconds`, or has more than `largest` bytes.
        """
        headers = {"Content-Type": b"application/json"} if content is not None else {}
        try:
            async with asyncio.timeout(seconds), self.stream(method, url, content=content, headers=headers) as response:
                # Before the body: with its end the connection may be gone.
                local = _local_address(response)
                body = bytearray()
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > largest:
                        raise PeerError(f"{url}: the body has more than {largest} bytes")
                return Answer(response.status_code, response.headers, bytes(body), local)
        except TimeoutError as error:
            raise PeerError(f"{url}: no whole answer within {seconds:g} s") from error
        except httpx2.HTTPError as error:
            raise PeerError(f"{url}: {error!r}") from error

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str | httpx2.URL,
        *,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, bytes] | None = None,
        timeout: httpx2.Timeout | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        """Yield the response as soon as its headers are there; the caller bounds time and size, and reads it raw.

        Raises PeerError for what is no URL, headers out of bounds or an encoded body, httpx2.HTTPError for a failed
        connection.
        """
        passed_on = {name: value.encode("ascii") for name, value in outgoing_headers().items()}
        sent = [(name.encode("ascii"), value) for name, value in {**(headers or {}), **passed_on}.items()]
        try:
            request = self._client.build_request(method, url, content=content, headers=sent, timeout=timeout)
            response = await self._client.send(request, stream=True)
        except (httpx2.InvalidURL, UnicodeError) as error:
            # Names of hosts and services come from peers, too; the resolver finds some of them too long.
            raise PeerError(f"{str(url)!r} is no URL: {error}") from error
        try:
            _refuse_headers(response, str(url))
            yield response
        finally:
            await response.aclose()


def _refuse_headers(response: httpx2.Response, url: str) -> None:
    raw = response.headers.raw
    if len(raw) > MOST_HEADERS or sum(len(name) + len(value) for name, value in raw) > LARGEST_HEADERS:
        raise PeerError(f"{url}: more than {MOST_HEADERS} headers or {LARGEST_HEADERS} bytes of them")
    # Nobody asked for it, and a few bytes of it may stand for gigabytes.
    if response.headers.get("content-encoding", "identity") != "identity":
        raise PeerError(f"{url}: the body is encoded, which was not asked for")


def _local_address(response: httpx2.Response) -> str:
    address: tuple[Any, ...] = response.extensions["network_stream"].get_extra_info("client_addr")
    return str(address[0])
