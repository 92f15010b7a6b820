"""What the mesh controller takes and answers, and what it reads of Consul and of the services."""

from __future__ import annotations

from typing import Annotated

from lucid_service.models import END, Input, Name, Output
from msgspec import Meta, Struct, field

Address = Annotated[str, Meta(max_length=45, description="An IPv4 or IPv6 address")]
Port = Annotated[int, Meta(ge=1, le=65535)]
Tag = Annotated[str, Meta(pattern=f"^[A-Za-z0-9._-]+{END}", max_length=64)]


class ByName(Input, frozen=True):
    """The service that a path names."""

    name: Name


class Registration(Input, frozen=True):
    """A service to register; its health is asked at `http://address:port` and `health_path`."""

    name: Name
    address: Address
    port: Port
    tags: Annotated[tuple[Tag, ...], Meta(max_length=16)] = ()
    version: Annotated[str, Meta(pattern=f"^[A-Za-z0-9.+-]+{END}", max_length=64)] = "unknown"
    health_path: Annotated[str, Meta(pattern=f"^/[A-Za-z0-9/._-]*{END}", max_length=128)] = "/health"


class Registered(Output, frozen=True):
    """The instance that Consul now knows; its health is critical until the first look."""

    id: str
    name: str


class Instance(Output, frozen=True):
    """One instance of a service."""

    id: str
    address: str
    port: int
    tags: tuple[str, ...]
    version: str


class Resolution(Output, frozen=True):
    """The healthy instances of a service."""

    name: str
    instances: tuple[Instance, ...]


class Summary(Output, frozen=True):
    """One service of the catalog: how many instances, and how many of them pass their checks."""

    name: str
    instances: int
    healthy: int


class Services(Output, frozen=True):
    """All services that Consul knows, by name."""

    services: tuple[Summary, ...]


class MeshHealth(Output, frozen=True):
    """The services by name, each healthy, degraded (some instances pass) or unhealthy, and the worst of it all."""

    status: str
    services: dict[str, str]


class Breaker(Output, frozen=True):
    """The circuit from one service to another that it needs, as its owner reports it."""

    source: str
    target: str
    state: str
    failures: int


class Breakers(Output, frozen=True):
    """The circuits of every pair; those of the services in `unknown` could not be asked for."""

    breakers: tuple[Breaker, ...]
    unknown: tuple[str, ...]


class Check(Struct, rename="pascal"):
    """One check of Consul."""

    status: str


class ConsulService(Struct, rename="pascal"):
    """The service part of one entry of Consul's health."""

    id: Annotated[str, Meta(max_length=256)] = field(name="ID")
    service: str
    port: int
    address: str = ""
    tags: tuple[str, ...] | None = None
    meta: dict[str, str] | None = None


class Node(Struct, rename="pascal"):
    """The node part of it: its address counts where the service has none."""

    address: str


class Entry(Struct, rename="pascal"):
    """One instance with its checks, as /v1/health/service answers."""

    node: Node
    service: ConsulService
    checks: tuple[Check, ...]

    @property
    def passing(self) -> bool:
        """Whether every check passes."""
        return all(check.status == "passing" for check in self.checks)
