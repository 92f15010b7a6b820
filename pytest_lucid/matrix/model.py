"""The types of the matrix. Rules that need more than the data itself (files, an engine) do not belong here."""

from __future__ import annotations

import datetime as dt
import re
from fnmatch import fnmatchcase
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from ipaddress import IPv4Network
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

# Docker's own rule for container and network names; a reference is checked by the engine when it is used.
Name = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]+$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._/:@-]*$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


def _inside_project(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or re.match(r"^[A-Za-z]:", path):
        raise PydanticCustomError("path", "a path relative to the project, with forward slashes and without '..'")
    return path


def _absolute(path: str) -> str:
    if not path.startswith("/") or ".." in PurePosixPath(path).parts:
        raise PydanticCustomError("path", "an absolute path inside the container, without '..'")
    return path


ProjectPath = Annotated[str, AfterValidator(_inside_project)]
ContainerPath = Annotated[str, AfterValidator(_absolute)]


class Model(BaseModel):
    """Immutable, and refusing keys it does not know: a typing error must not switch a demand off."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Port(Model):
    """One TCP port: `number` inside the container, `published` on the host (the same number unless given).

    An `internal` port is not published: only containers of the same network reach it. gRPC is without TLS here.
    """

    number: int = Field(ge=1, le=65535, strict=True)
    published: int = Field(default=0, ge=0, le=65535, strict=True)
    scheme: Literal["http", "https", "grpc"] = "http"
    internal: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _internal_is_not_published(self) -> Port:
        if self.internal and self.published:
            raise PydanticCustomError("port", "either 'internal' or 'published'; an internal port has none on the host")
        return self

    @property
    def host(self) -> int:
        """The port on the host."""
        return self.published or self.number


class Service(Model):
    """One row of the matrix: a service, the image it runs, and what is demanded of both."""

    name: Name
    image: Reference
    dockerfile: ProjectPath
    cluster: str = Field(min_length=1)
    ports: tuple[Port, ...] = Field(min_length=1)
    needs: tuple[Name, ...] = ()
    environment: dict[Variable, str] = Field(default_factory=dict)
    storage: tuple[ContainerPath, ...] = ()
    certificate: ContainerPath | None = None
    # What must answer 200 to GET, besides /health.
    paths: tuple[ContainerPath, ...] = ()
    # Variables that the bring-up fills with random values, one for all services of a run; no image has them.
    secrets: tuple[Variable, ...] = ()
    # Only the gateway may know where the payment service is; nobody else may hold a word of TRON.
    knows_payment_url: bool = False
    # The pinned requirements of this service, beside those that all services share.
    requirements: tuple[ProjectPath, ...] = ()
    memory_mib: int = Field(default=256, ge=16, strict=True)
    pids: int = Field(default=64, ge=1, strict=True)

    @model_validator(mode="after")
    def _https_has_certificate(self) -> Service:
        if any(port.scheme == "https" for port in self.ports) and self.certificate is None:
            raise PydanticCustomError(
                "certificate", "a service with an https port needs 'certificate', the directory of cert.pem and key.pem"
            )
        return self

    @property
    def http(self) -> Port:
        """The port that answers /health: the first one that speaks plain HTTP, otherwise the first."""
        return next((port for port in self.ports if port.scheme == "http"), self.ports[0])

    @property
    def published(self) -> tuple[Port, ...]:
        """The ports that the host has too."""
        return tuple(port for port in self.ports if not port.internal)

    @property
    def web_ports(self) -> tuple[Port, ...]:
        """The published ports that speak HTTP or HTTPS."""
        return tuple(port for port in self.published if port.scheme != "grpc")

    @property
    def volumes(self) -> dict[str, str]:
        """The named volumes, name → path inside the container: one for each storage path, one for the certificate."""
        paths = (*self.storage, *((self.certificate,) if self.certificate else ()))
        return {f"{self.name}{path.replace('/', '-')}": path for path in paths}


class Network(Model):
    """The network that all services share."""

    name: Name
    driver: str = "bridge"
    subnet: IPv4Network


class Consul(Model):
    """The service discovery: reachable inside the network under its container name, never published."""

    container: Name
    image: Reference
    port: int = Field(ge=1, le=65535, strict=True)


class ImagePolicy(Model):
    """What is demanded of the content of every image. Sizes in MiB; licences as SPDX expressions name them."""

    size_mib: int = Field(default=200, ge=1, strict=True)
    layers: int = Field(default=10, ge=1, strict=True)
    # The architecture asked for, as engines name it; without it, that of the engine.
    architecture: str | None = None
    # The pinned requirements of every service; a service may have more of its own. The packages inside must match both.
    requirements: ProjectPath | None = None
    # Directories that everybody may write to, sticky; anything else that everybody may write to is a finding.
    writable: tuple[ContainerPath, ...] = ("/tmp",)  # noqa: S108 - a path inside the container
    licences: tuple[str, ...] = ()


class Waiver(Model):
    """A finding that is accepted for a while: the cells of `check` × `service` are expected to fail until `expires`."""

    check: str = Field(min_length=1)
    service: str = "*"
    reason: str = Field(min_length=1)
    expires: dt.date

    @property
    def is_in_force(self) -> bool:
        """Whether its last day is not over."""
        return dt.datetime.now(tz=dt.timezone.utc).date() <= self.expires

    def speaks_of(self, check: str) -> bool:
        """Whether its pattern, as in file names (`*`, `?`), matches the id of a check."""
        return fnmatchcase(check, self.check)

    def covers(self, check: str, service: str | None) -> bool:
        """Whether this waiver speaks of the cell; `service` is matched likewise."""
        return self.speaks_of(check) and fnmatchcase(service or "", self.service)


class HadolintIgnore(Model):
    """A hadolint rule that is not applied, and why."""

    rule: str = Field(pattern=r"^(DL|SC)\d{4}$")
    reason: str = Field(min_length=1)


class Hadolint(Model):
    """How hadolint's findings are judged."""

    threshold: Literal["error", "warning", "info", "style"] = "style"
    ignore: tuple[HadolintIgnore, ...] = ()


class Matrix(Model):
    """All that is demanded of a deployment."""

    phase: int = Field(ge=1, strict=True)
    base: Reference
    user: str = Field(pattern=r"^\d+:\d+$")
    labels: tuple[str, ...]
    network: Network
    consul: Consul
    environment: dict[Variable, str] = Field(default_factory=dict)
    service: tuple[Service, ...] = Field(min_length=1)
    # Handed to every build, beside commit and date; DEBIAN = "13" moves this tree's images to Debian 13.
    build_arguments: dict[Variable, str] = Field(default_factory=dict)
    image: ImagePolicy = ImagePolicy()
    # Whether the final stage must name its base by digest.
    pinned_base: bool = False
    hadolint: Hadolint = Hadolint()
    # A check's id → how bad its failure is in this tree, where that differs from what the check says.
    severity: dict[str, Literal["low", "medium", "high", "critical"]] = Field(default_factory=dict)
    waiver: tuple[Waiver, ...] = ()

    @model_validator(mode="after")
    def _names_and_ports_are_unique(self) -> Matrix:
        names: dict[str, str] = {self.consul.container: "consul"}
        ports: dict[int, str] = {}
        images: dict[str, str] = {}
        for index, service in enumerate(self.service):
            if service.name in names:
                raise _problem(index, "name", f"a name of its own; {service.name} is taken by another row")
            names[service.name] = service.name
            if service.image in images:
                raise _problem(
                    index, "image", f"an image of its own; {service.image} belongs to {images[service.image]}"
                )
            images[service.image] = service.name
            for port in service.published:
                if port.host in ports:
                    raise _problem(index, "ports", f"host ports of its own; {port.host} belongs to {ports[port.host]}")
                ports[port.host] = service.name
        return self

    @model_validator(mode="after")
    def _needs_are_known_and_acyclic(self) -> Matrix:
        names = {service.name for service in self.service} | {self.consul.container}
        for index, service in enumerate(self.service):
            for need in service.needs:
                if need not in names:
                    raise _problem(
                        index, "needs", f"names of this matrix; {need} is not among {', '.join(sorted(names))}"
                    )
        try:
            self.start_order  # noqa: B018 - computing it is the check
        except CycleError as error:
            cycle = " → ".join(error.args[1])
            first = next(i for i, service in enumerate(self.service) if service.name == error.args[1][0])
            raise _problem(first, "needs", f"needs without a circle; here: {cycle}") from error
        return self

    @cached_property
    def start_order(self) -> tuple[Service, ...]:
        """The services, each after everything it needs; otherwise in the order of the matrix."""
        graph = {service.name: service.needs for service in self.service}
        by_name = {service.name: service for service in self.service}
        return tuple(by_name[name] for name in TopologicalSorter(graph).static_order() if name in by_name)

    @property
    def names(self) -> tuple[str, ...]:
        """The containers that find each other by name: the services and Consul."""
        return (*(service.name for service in self.service), self.consul.container)

    def demanded_environment(self, service: Service) -> dict[str, str]:
        """The variables that the image of `service` must set: common ones, identity and port, then its own."""
        identity = {"SERVICE_NAME": service.name, "PORT": str(service.http.number)}
        return {**self.environment, **identity, **service.environment}

    def closure(self, services: tuple[Service, ...]) -> tuple[Service, ...]:
        """`services` and all that they need, in start order."""
        wanted = {service.name for service in services}
        for service in reversed(self.start_order):
            if service.name in wanted:
                wanted.update(service.needs)
        return tuple(service for service in self.start_order if service.name in wanted)

    def select(self, names: tuple[str, ...]) -> tuple[Service, ...]:
        """The rows called `names` (all rows for none), in the order of the matrix; unknown names raise KeyError."""
        known = {service.name for service in self.service}
        for name in names:
            if name not in known:
                raise KeyError(name)
        return tuple(service for service in self.service if not names or service.name in names)


def _problem(index: int, field: str, expected: str) -> PydanticCustomError:
    """Build an error about one row; `load` reads row and field from the context to find the line."""
    return PydanticCustomError("matrix", "{expected}", {"expected": expected, "at": f"service.{index}.{field}"})
