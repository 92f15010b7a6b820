"""The services that Consul knows: who they are, where, how they are, and registering one. No HTTP of our own here."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

import msgspec
from lucid_service.client import PeerClient, PeerError
from lucid_service.models import CircuitStates

from lucid_service_mesh_controller.models import (
    Breaker,
    Breakers,
    Entry,
    Instance,
    MeshHealth,
    Registered,
    Registration,
    Resolution,
    Services,
    Summary,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT = 3.0
"""Seconds for an answer of Consul."""
CIRCUITS_TIMEOUT = 1.0
"""Seconds for a service to tell its circuits."""
LARGEST = 8 << 20
MOST_SERVICES = 500
OWN_NAME = "consul"
"""Consul's own entry, which is no service of Lucid."""
_AT_ONCE = 8
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

_T = TypeVar("_T")


class UnknownServiceError(Exception):
    """Consul knows no instance of this name."""


class NoHealthyInstanceError(Exception):
    """Consul knows instances, and none passes its checks."""


class InvalidAddressError(Exception):
    """The address of a registration is none that others can reach."""


class Registry:
    """Asks one Consul; a failing one raises PeerError."""

    def __init__(self, client: PeerClient, consul: str) -> None:
        self._client = client
        self._consul = consul
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def services(self) -> Services:
        """Return every service that has the name of one, with the number of its instances."""
        return Services(
            tuple(
                Summary(name, len(entries), sum(entry.passing for entry in entries))
                for name, entries in (await self._all()).items()
            )
        )

    async def resolve(self, name: str) -> Resolution:
        """Return where the healthy instances of `name` are. Raises UnknownServiceError, NoHealthyInstanceError."""
        entries = await self._entries(name)
        if not entries:
            raise UnknownServiceError(name)
        healthy = tuple(_instance(entry) for entry in entries if entry.passing)
        if not healthy:
            raise NoHealthyInstanceError(name)
        return Resolution(name, healthy)

    async def register(self, registration: Registration) -> Registered:
        """Register an instance, or replace the one at the same place. Raises InvalidAddressError."""
        address = _reachable(registration.address)
        host = f"[{address}]" if ":" in address else address
        identity = f"{registration.name}-{address}-{registration.port}"
        body = {
            "ID": identity,
            "Name": registration.name,
            "Address": address,
            "Port": registration.port,
            "Tags": registration.tags,
            "Meta": {"version": registration.version},
            "Check": {
                "HTTP": f"http://{host}:{registration.port}{registration.health_path}",
                "Interval": "10s",
                "Timeout": "5s",
                "DeregisterCriticalServiceAfter": "1m",
            },
        }
        url = self._consul + "/v1/agent/service/register"
        answer = await self._client.ask("PUT", url, seconds=TIMEOUT, content=msgspec.json.encode(body))
        if answer.status != HTTPStatus.OK:
            raise PeerError(f"Consul answers {answer.status} to a registration")
        return Registered(identity, registration.name)

    async def health(self) -> MeshHealth:
        """Return the health of every service by Consul's checks, and of them all together."""
        services = {name: _health(entries) for name, entries in (await self._all()).items()}
        worst = "healthy" if set(services.values()) <= {"healthy"} else "degraded"
        return MeshHealth(worst, services)

    async def breakers(self) -> Breakers:
        """Return the circuits of every pair, asking each healthy instance for its own."""
        healthy = {name: [entry for entry in entries if entry.passing] for name, entries in (await self._all()).items()}
        states = await asyncio.gather(*(self._circuits(name, entries) for name, entries in healthy.items()))
        breakers = tuple(
            Breaker(circuits.service, peer, circuit.state, circuit.failures)
            for circuits in states
            if circuits is not None
            for peer, circuit in circuits.circuits.items()
        )
        unknown = tuple(name for name, circuits in zip(healthy, states, strict=True) if circuits is None)
        return Breakers(breakers, unknown)

    async def _circuits(self, name: str, entries: Sequence[Entry]) -> CircuitStates | None:
        if not entries:
            return None
        instance = _instance(entries[0])
        host = f"[{instance.address}]" if ":" in instance.address else instance.address
        url = f"http://{host}:{instance.port}/health/circuits"
        try:
            answer = await self._client.ask("GET", url, seconds=CIRCUITS_TIMEOUT, largest=65536)
            states = answer.json(CircuitStates)
        except PeerError:
            return None
        return states if answer.status == HTTPStatus.OK and states.service == name else None

    async def _all(self) -> Mapping[str, tuple[Entry, ...]]:
        names = await self._get("/v1/catalog/services", dict[str, list[str]])
        # Whoever reaches Consul itself may register any name; one that is none can neither be resolved nor asked for.
        wanted = sorted(name for name in names if _NAME.fullmatch(name) and name != OWN_NAME)[:MOST_SERVICES]
        return dict(zip(wanted, await asyncio.gather(*map(self._entries, wanted)), strict=True))

    async def _entries(self, name: str) -> tuple[Entry, ...]:
        return await self._get(f"/v1/health/service/{name}", tuple[Entry, ...])

    async def _get(self, path: str, kind: type[_T]) -> _T:
        async with self._at_once:
            answer = await self._client.ask("GET", self._consul + path, seconds=TIMEOUT, largest=LARGEST)
        if answer.status != HTTPStatus.OK:
            raise PeerError(f"Consul answers {answer.status} to {path}")
        return answer.json(kind)


def _health(entries: Sequence[Entry]) -> str:
    passing = sum(entry.passing for entry in entries)
    if passing == len(entries) and entries:
        return "healthy"
    return "degraded" if passing else "unhealthy"


def _instance(entry: Entry) -> Instance:
    service = entry.service
    version = (service.meta or {}).get("version", "unknown")
    return Instance(service.id, service.address or entry.node.address, service.port, tuple(service.tags or ()), version)


def _reachable(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise InvalidAddressError(f"{text!r} is no IP address") from error
    # Consul asks the address for its health: it must not be turned on its own host, or on the whole network.
    if not address.is_private or address.is_loopback or address.is_link_local or address.is_unspecified:
        raise InvalidAddressError(f"{text} is not an address of a private network")
    return str(address)
