"""Keeps the service registered with the Consul agent while it runs; finding other services does not belong here."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from lucid_service.client import PeerClient, PeerError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from lucid_service.client import Answer
    from lucid_service.config import Config

REFRESH = 5.0
"""Seconds between two looks whether Consul still knows the service."""
FIRST_RETRY = 0.5
"""Seconds until the second attempt while Consul is down; doubles up to REFRESH."""
DEADLINE = 1.5
"""Seconds for one refresh, and for the deregistration: a stop may have to wait for both."""

_logger = logging.getLogger(__name__)


class Registrar:
    """Registers one service, under its name, at the address that its connections to Consul come from."""

    def __init__(self, config: Config, port: int) -> None:
        self._config = config
        self._port = port
        self._registered = False
        self._reachable = True

    async def run(self, stopping: asyncio.Event) -> None:
        """Stay registered until `stopping` is set, then deregister. A Consul that is down is retried, never fatal."""
        async with PeerClient() as client:
            delay = FIRST_RETRY
            while not stopping.is_set():
                delay = REFRESH if await self._reached(self._refresh(client)) else min(2 * delay, REFRESH)
                await _wait_for(stopping, delay)
            # Only after the last refresh, which might otherwise overtake it and register for ever.
            await self._reached(self._deregister(client))

    async def _reached(self, call: Awaitable[None]) -> bool:
        try:
            async with asyncio.timeout(DEADLINE):
                await call
        except (PeerError, TimeoutError) as error:
            if self._reachable:
                # The repr, because a TimeoutError has no text.
                _logger.warning("registration with Consul at %s failed: %r", self._config.discovery_url, error)
            self._reachable = False
        else:
            self._reachable = True
        return self._reachable

    async def _refresh(self, client: PeerClient) -> None:
        answer = await client.ask("GET", self._url("service", self._config.service), seconds=DEADLINE)
        known = _Known()
        if answer.status != HTTPStatus.NOT_FOUND:
            known = _accepted(answer).json(_Known)
        # Registered once at every start, whatever Consul knows: an earlier version may have left other tags behind.
        if self._registered and (known.address, known.port) == (answer.local, self._port):
            return
        address = answer.local
        content = msgspec.json.encode(self._registration(address))
        _accepted(await client.ask("PUT", self._url("service", "register"), seconds=DEADLINE, content=content))
        self._registered = True
        _logger.info("registered with Consul as %s at %s:%d", self._config.service, address, self._port)

    async def _deregister(self, client: PeerClient) -> None:
        url = self._url("service", "deregister", self._config.service)
        _accepted(await client.ask("PUT", url, seconds=DEADLINE))
        _logger.info("deregistered from Consul")

    def _url(self, *path: str) -> str:
        return "/".join((self._config.discovery_url, "v1", "agent", *path))

    def _registration(self, address: str) -> dict[str, Any]:
        return {
            "ID": self._config.service,
            "Name": self._config.service,
            "Address": address,
            "Port": self._port,
            "Tags": list(self._config.tags),
            "Meta": {"version": self._config.version},
            "Check": {
                "HTTP": f"http://{address}:{self._port}/health",
                "Interval": "10s",
                "Timeout": "5s",
                "DeregisterCriticalServiceAfter": "1m",
                # It listens already; without this it would be critical until Consul's first look.
                "Status": "passing",
            },
        }


class _Known(msgspec.Struct, rename="pascal"):
    """What Consul's agent says of a registered service, as far as it matters here."""

    address: str = ""
    port: int = 0


def _accepted(answer: Answer) -> Answer:
    if answer.status != HTTPStatus.OK:
        raise PeerError(f"Consul answers {answer.status}: {answer.content[:200].decode('utf-8', 'replace')}")
    return answer


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
