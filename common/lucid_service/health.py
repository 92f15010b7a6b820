"""GET /health and GET /health/live: what this service says about itself and about the containers it needs."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from lucid_service.api import Operation
from lucid_service.client import PeerError
from lucid_service.config import CONSUL
from lucid_service.errors import now
from lucid_service.models import CircuitState, CircuitStates, Health, Live

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from lucid_service.circuit import Circuits
    from lucid_service.client import PeerClient
    from lucid_service.config import Config, Peer

HEALTHY = "healthy"
UNHEALTHY = "unhealthy"
DEGRADED = "degraded"
_WORSE = (HEALTHY, DEGRADED, UNHEALTHY)
DEADLINE = 1.0
"""Seconds that a dependency has to answer."""
_LARGEST = 4096
"""Bytes of a dependency's answer; a live one has 200."""

_logger = logging.getLogger(__name__)


class Dependencies:
    """Probes the peers, all at once; requests that come while a probe runs share its result, nothing is kept after."""

    def __init__(self, client: PeerClient, peers: Sequence[Peer]) -> None:
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
            if peer.name == CONSUL:
                return await self._has_leader(peer)
            return await self._is_alive(peer)
        except PeerError:
            return False

    async def _has_leader(self, consul: Peer) -> bool:
        answer = await self._client.ask("GET", consul.url + "/v1/status/leader", seconds=DEADLINE, largest=_LARGEST)
        return answer.status == HTTPStatus.OK and bool(answer.json(str))

    async def _is_alive(self, peer: Peer) -> bool:
        # Not /health: that waits for the peer's own dependencies, and a chain of slow ones would accuse a healthy peer.
        answer = await self._client.ask("GET", peer.url + "/health/live", seconds=DEADLINE, largest=_LARGEST)
        if answer.status != HTTPStatus.OK:
            return False
        who = answer.json(_Identity)
        return who.status == "alive" and who.service == peer.name


class _Identity(msgspec.Struct):
    status: str
    service: str


async def health(request: Request) -> Health:
    """Answer 200 also when degraded or unhealthy: the status code says that it answers, the body how it is."""
    config: Config = request.app.state.config
    dependencies: Dependencies = request.app.state.dependencies
    statuses = await dependencies.statuses()
    of_needs = DEGRADED if UNHEALTHY in statuses.values() else HEALTHY
    own: str = request.app.state.condition()
    return Health(max(own, of_needs, key=_WORSE.index), config.service, config.version, now(), statuses)


async def live(request: Request) -> Live:
    """Answer that this process serves requests, without asking anybody else."""
    config: Config = request.app.state.config
    return Live("alive", config.service, config.version, now())


async def circuits(request: Request) -> CircuitStates:
    """Answer how the circuits to the services that this one needs are; those that guard no call stay closed."""
    found: Circuits = request.app.state.circuits
    states = {peer: CircuitState(state, failures) for peer, (state, failures) in found.states().items()}
    return CircuitStates(request.app.state.config.service, states)


OPERATIONS = (
    Operation("GET", "/health", health, "Whether this service and those it needs are healthy", {200: Health}),
    Operation("GET", "/health/live", live, "Whether this process serves requests", {200: Live}),
    Operation("GET", "/health/circuits", circuits, "The circuits to the services it needs", {200: CircuitStates}),
)
