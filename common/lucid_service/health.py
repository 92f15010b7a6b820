"""GET /health and GET /health/live: what this service says about itself and about the containers it needs."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
from starlette.responses import JSONResponse

from lucid_service.config import CONSUL
from lucid_service.errors import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from lucid_service.config import Config, Peer

HEALTHY = "healthy"
UNHEALTHY = "unhealthy"
DEGRADED = "degraded"
DEADLINE = 1.0
"""Seconds that a dependency has to answer."""

_logger = logging.getLogger(__name__)


class Dependencies:
    """Probes the peers, all at once; requests that come while a probe runs share its result, nothing is kept after."""

    def __init__(self, client: httpx.AsyncClient, peers: Sequence[Peer]) -> None:
        self._client = client
        self._peers = tuple(peers)
        self._running: asyncio.Task[dict[str, str]] | None = None
        self._last: dict[str, str] = {}

    async def statuses(self) -> dict[str, str]:
        """Return `healthy` or `unhealthy` by container name, at most DEADLINE seconds old."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._probe_all())
        # A client that goes away must not cancel the probe under the others.
        return await asyncio.shield(self._running)

    async def _probe_all(self) -> dict[str, str]:
        answers = await asyncio.gather(*(self._is_healthy(peer) for peer in self._peers))
        statuses = {
            peer.name: HEALTHY if answer else UNHEALTHY for peer, answer in zip(self._peers, answers, strict=True)
        }
        for name, status in statuses.items():
            if status != self._last.get(name, HEALTHY):
                _logger.log(logging.INFO if status == HEALTHY else logging.WARNING, "%s is %s", name, status)
        self._last = statuses
        return statuses

    async def _is_healthy(self, peer: Peer) -> bool:
        try:
            async with asyncio.timeout(DEADLINE):
                if peer.name == CONSUL:
                    return await self._has_leader(peer)
                return await self._is_alive(peer)
        except (httpx.HTTPError, TimeoutError, ValueError):
            # ValueError: the body is no JSON, so whatever answers there is not the peer.
            return False

    async def _has_leader(self, consul: Peer) -> bool:
        response = await self._client.get(consul.url + "/v1/status/leader")
        return response.status_code == HTTPStatus.OK and bool(response.json())

    async def _is_alive(self, peer: Peer) -> bool:
        # Not /health: that waits for the peer's own dependencies, and a chain of slow ones would accuse a healthy peer.
        response = await self._client.get(peer.url + "/health/live")
        if response.status_code != HTTPStatus.OK:
            return False
        body = response.json()
        return isinstance(body, dict) and body.get("status") == "alive" and body.get("service") == peer.name


async def health(request: Request) -> JSONResponse:
    """Answer 200 also when degraded: the status code speaks for this service, the body for those it needs."""
    config: Config = request.app.state.config
    dependencies: Dependencies = request.app.state.dependencies
    statuses = await dependencies.statuses()
    status = DEGRADED if UNHEALTHY in statuses.values() else HEALTHY
    return JSONResponse({**_about(config, status), "dependencies": statuses})


async def live(request: Request) -> JSONResponse:
    """Answer that this process serves requests, without asking anybody else."""
    return JSONResponse(_about(request.app.state.config, "alive"))


def _about(config: Config, status: str) -> dict[str, str]:
    return {"status": status, "service": config.service, "version": config.version, "timestamp": now()}
