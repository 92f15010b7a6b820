"""Where the services are, by Consul; calling them does not belong here."""

from __future__ import annotations

import asyncio
import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import httpx2
import msgspec
from lucid_service.client import PeerClient, PeerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lucid_service.config import Peer

FRESH = 3.0
"""Seconds for which an answer of Consul is used. An instance that moves must be followed within 10."""
TIMEOUT = 1.0
"""Seconds for an answer of Consul."""

_logger = logging.getLogger(__name__)


class NoInstanceError(Exception):
    """Consul knows no healthy instance of a service."""


class Directory:
    """Resolves the names of services, with the last answers of Consul kept for a moment.

    A Consul that does not answer is no reason to forget where a service was: the last known address is used, and before
    the first answer the one of the configuration. A Consul that answers is believed, also when it knows no instance.
    """

    def __init__(self, client: PeerClient, consul: str, peers: Iterable[Peer]) -> None:
        self._client = client
        self._consul = consul
        self._urls: dict[str, str | None] = {peer.name: peer.url for peer in peers}
        self._asked: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def url_of(self, name: str) -> str:
        """Return `http://host:port` of a healthy instance. Raises NoInstanceError."""
        if time.monotonic() - self._asked.get(name, -FRESH) >= FRESH:
            if name not in self._asking:
                self._asking[name] = asyncio.create_task(self._ask(name))
            # A client that goes away must not cancel the question of the others.
            await asyncio.shield(self._asking[name])
        url = self._urls[name]
        if url is None:
            raise NoInstanceError(name)
        return url

    def doubt(self, name: str) -> None:
        """Ask again before the next call: the address did not answer."""
        self._asked.pop(name, None)

    async def _ask(self, name: str) -> None:
        try:
            url = self._consul + f"/v1/health/service/{name}?passing"
            answer = await self._client.ask("GET", url, seconds=TIMEOUT)
            if answer.status != HTTPStatus.OK:
                raise PeerError(f"Consul answers {answer.status}")  # noqa: TRY301  both are one case
            self._learn(name, answer.json(list[_Entry]))
        except PeerError as error:
            _logger.warning("Consul does not say where %s is, %s is used: %s", name, self._urls[name], error)
        finally:
            self._asked[name] = time.monotonic()
            del self._asking[name]

    def _learn(self, name: str, entries: list[_Entry]) -> None:
        urls = [entry.url for entry in entries if _is_url(entry.url)]
        if self._urls[name] in urls:
            return
        url = min(urls, default=None)
        _logger.info("%s is at %s now", name, url or "no place")
        self._urls[name] = url


def _is_url(text: str) -> bool:
    # Whoever registers with Consul itself may say anything.
    try:
        return bool(httpx2.URL(text).host)
    except httpx2.InvalidURL:
        return False


class _Node(msgspec.Struct, rename="pascal"):
    address: str


class _Service(msgspec.Struct, rename="pascal"):
    address: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]


class _Entry(msgspec.Struct, rename="pascal"):
    node: _Node
    service: _Service

    @property
    def url(self) -> str:
        host = self.service.address or self.node.address
        return f"http://[{host}]:{self.service.port}" if ":" in host else f"http://{host}:{self.service.port}"
