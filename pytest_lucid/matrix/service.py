"""The rows of the matrix: a service, the image that it runs, its ports, and what is demanded of both."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from pytest_lucid.matrix.demands import Demands, ImagePolicy
from pytest_lucid.matrix.swarm import Constraint
from pytest_lucid.matrix.types import ContainerPath, Model, Name, ProjectPath, Reached, Reference, Variable

# As compose files write a port: [[address:]published:]number[/protocol], where both numbers may be ranges.
_SHORT = re.compile(
    r"(?:(?:(?P<address>\[[0-9a-fA-F:]+\]|[0-9.]+):)?(?P<published>\d+(?:-\d+)?):)?"
    r"(?P<number>\d+(?:-\d+)?)(?:/(?P<protocol>tcp|udp))?"
)


class Port(Model):
    """One port: `number` inside the container, `published` on the host (the same number unless given).

    An `internal` port is not published: only containers of the same network reach it. gRPC is without TLS here.
    """

    number: int = Field(ge=1, le=65535, strict=True, description="The number inside the container.")
    published: int = Field(default=0, ge=0, le=65535, strict=True, description="The number on the host, if another.")
    scheme: Literal["http", "https", "grpc", "tcp", "udp"] = Field("http", description="What is spoken there.")
    internal: bool = Field(default=False, strict=True, description="It is not published.")
    address: str | None = Field(None, description="The address of the host that it is published on; all, if absent.")

    @model_validator(mode="after")
    def _internal_is_not_published(self) -> Port:
        if self.internal and self.published:
            raise PydanticCustomError("port", "either 'internal' or 'published'; an internal port has none on the host")
        return self

    @property
    def host(self) -> int:
        """The port on the host."""
        return self.published or self.number

    @property
    def protocol(self) -> Literal["tcp", "udp"]:
        """The protocol below what is spoken."""
        return "udp" if self.scheme == "udp" else "tcp"

    def __str__(self) -> str:
        """Return it as the engine writes it: `8080/tcp`."""
        return f"{self.number}/{self.protocol}"


class ComposeService(Model):
    """A service of a compose project, by the labels that compose gives its containers, whatever they are called."""

    project: str = Field(min_length=1, description="The name of the compose project.")
    service: str = Field(min_length=1, description="The name of the service in the compose file.")
    number: int = Field(1, ge=1, strict=True, description="Which one, where the service is scaled.")

    def __str__(self) -> str:
        """Return it as a reader calls it."""
        return f"number {self.number} of service {self.service} in the compose project {self.project}"


class Service(Demands):
    """One row of the matrix: a service, the image it runs, and what is demanded of both."""

    name: Name = Field(description="The name of the row, and of its container unless a key below finds it.")
    container: Name | None = Field(None, description="The name of its container, if that is not the row's.")
    compose: ComposeService | None = Field(None, description="Its container is found by compose's labels.")
    label: str | None = Field(
        None, pattern=r"^[^=\s]+=.*$", description="Its container is the one with this label, such as `app=web`."
    )
    instances: int | None = Field(
        None,
        ge=1,
        strict=True,
        description="How many containers of `compose`, or with `label`, run: no more and no fewer. Of several each has "
        "a row `NAME-1`, `NAME-2` and so on, by compose's numbers or by their names; others call them `NAME`.",
    )
    image: Reference = Field(description="The image that it runs.")
    dockerfile: ProjectPath | None = Field(None, description="What the image is built from; none for a foreign one.")
    cluster: str | None = Field(None, min_length=1, description="What the label `cluster` of the image says.")
    phase: int | None = Field(
        None, ge=1, strict=True, description="What the label `phase` of the image says, if not what stands at the top."
    )
    ports: tuple[Port, ...] | None = Field(
        None,
        description="All ports that it listens on, none for []. A text is as in compose files: `53:53/udp`, "
        "`127.0.0.1:5432:5432`, `6000-6002:6000-6002`; without a number of the host it is internal.",
    )
    networks: tuple[Name, ...] | None = Field(None, description="Its networks; the shared one unless given.")
    needs: tuple[Name, ...] = Field((), description="What must run, or have ended, before it.")
    once: bool = Field(
        default=False, description="It does its work and ends with 0; nothing is demanded that only what runs can show."
    )
    reaches: tuple[Reached, ...] | None = Field(
        None,
        description="What it can connect to, tried from inside: `NAME`, or `NAME:PORT`; `*` matches any letters, and "
        "the name of a network means all on it. TCP only.",
    )
    isolated_from: tuple[Reached, ...] | None = Field(
        None, description="What it cannot connect to by any way, tried from inside; written likewise."
    )
    certificate: ContainerPath | None = Field(None, description="The directory of cert.pem and key.pem, for HTTPS.")
    secrets: tuple[Variable, ...] = Field(
        (), description="Variables that a bring-up fills with random values, one for all services; no image has them."
    )
    knows_payment_url: bool = Field(
        default=False, description="It may know the URLs of what is forbidden to it otherwise."
    )
    requirements: tuple[ProjectPath, ...] = Field((), description="Its own pinned requirements, beside those of all.")
    restart: Literal["no", "on-failure", "always", "unless-stopped"] = Field(
        "no", description="When the engine starts it again by itself."
    )
    memory_mib: int = Field(default=256, ge=16, strict=True, description="Its memory in a bring-up.")
    pids: int = Field(default=64, ge=1, strict=True, description="Its number of processes in a bring-up.")
    replicas: int = Field(default=1, ge=1, strict=True, description="Its tasks in a swarm, each on a node of its own.")
    placement: tuple[Constraint, ...] = Field(
        (), description="Which nodes of a swarm it may run on, such as `node.labels.disk==ssd`."
    )
    content: ImagePolicy | None = Field(None, description="What differs for its image from the table `image`.")
    _ordinal: int = PrivateAttr(1)

    @field_validator("ports", mode="before")
    @classmethod
    def _read_short_ports(cls, value: Any) -> Any:
        """Replace each text by the ports that it stands for."""
        if not isinstance(value, (list, tuple)):
            return value
        return [port for item in value for port in (_short(item) if isinstance(item, str) else (item,))]

    @model_validator(mode="after")
    def _https_has_certificate(self) -> Service:
        if any(port.scheme == "https" and not port.internal for port in self.ports or ()) and self.certificate is None:
            raise PydanticCustomError(
                "certificate", "a service with an https port needs 'certificate', the directory of cert.pem and key.pem"
            )
        return self

    @model_validator(mode="after")
    def _is_found_in_one_way(self) -> Service:
        if sum(key is not None for key in (self.container, self.compose, self.label)) > 1:
            raise PydanticCustomError("certificate", "one of 'container', 'compose' and 'label'")
        if self.instances and not (self.compose or self.label):
            raise PydanticCustomError("certificate", "'instances' with 'compose' or 'label', which finds them")
        if (self.instances or 1) > 1 and self.published:
            raise PydanticCustomError("certificate", "no published port of several instances: the host has each once")
        return self

    @property
    def instance_names(self) -> tuple[str, ...]:
        """The names of the rows that this row stands for: its own, unless it has several instances."""
        count = self.instances or 1
        return tuple(f"{self.name}-{number}" for number in range(1, count + 1)) if count > 1 else (self.name,)

    def each_instance(self) -> tuple[Service, ...]:
        """A row for each instance; the first of them says how many there are to be."""
        names = self.instance_names
        if len(names) == 1:
            return (self,)
        made = []
        for number, name in enumerate(names, 1):
            compose = self.compose and self.compose.model_copy(update={"number": number})
            counted = self.instances if number == 1 else None
            row = self.model_copy(update={"name": name, "compose": compose, "instances": counted})
            row._ordinal = number  # noqa: SLF001 - of the same class
            made.append(row)
        return tuple(made)

    @property
    def ordinal(self) -> int:
        """Which of the containers with its label it is, by name, from 1."""
        return self._ordinal

    @property
    def http(self) -> Port | None:
        """The port that answers HTTP: the one that `health` names, else the first that speaks plain HTTP, or any."""
        ports = self.ports or ()
        if self.health and self.health.port:
            named = next((port for port in ports if port.number == self.health.port), None)
            return named or Port(number=self.health.port, internal=True)
        plain = (port for port in ports if port.scheme == "http")
        return next(plain, None) or next((port for port in ports if port.protocol == "tcp"), None)

    @property
    def published(self) -> tuple[Port, ...]:
        """The ports that the host has too."""
        return tuple(port for port in self.ports or () if not port.internal)

    @property
    def web_ports(self) -> tuple[Port, ...]:
        """The published ports that speak HTTP or HTTPS."""
        return tuple(port for port in self.published if port.scheme in {"http", "https"})

    @property
    def https_ports(self) -> tuple[Port, ...] | None:
        """The published ports that speak HTTPS; None without any."""
        return tuple(port for port in self.published if port.scheme == "https") or None

    @property
    def grpc_ports(self) -> tuple[Port, ...] | None:
        """The ports that speak gRPC, published or not; None without any."""
        return tuple(port for port in self.ports or () if port.scheme == "grpc") or None

    @property
    def addresses(self) -> dict[str, str] | None:
        """The addresses of the host that ports are published on: `80/tcp` → address; None where none is demanded."""
        return {str(port): port.address for port in self.published if port.address} or None

    @property
    def listens(self) -> bool | None:
        """Whether it listens at all; None where the matrix does not say."""
        return None if self.ports is None else bool(self.ports)

    @property
    def stays(self) -> bool:
        """Whether it goes on running, so that it can be looked into."""
        return not self.once

    @property
    def ids(self) -> tuple[int, ...]:
        """User and group id that it runs as; none where the matrix does not say."""
        return tuple(map(int, self.user.split(":"))) if self.user else ()

    @property
    def volumes(self) -> dict[str, str]:
        """The named volumes, name → path inside the container: one for each storage path, one for the certificate."""
        paths = (*(self.storage or ()), *((self.certificate,) if self.certificate else ()))
        return {f"{self.name}{path.replace('/', '-')}": path for path in paths}

    @property
    def variables(self) -> dict[str, str] | None:
        """The variables that it must have: identity and port by the contract, then its own; None for no demand."""
        if self.environment is None and self.contract is None:
            return None
        identity = {}
        if self.contract and self.contract.service:
            identity[self.contract.service] = self.name
        if self.contract and self.contract.port and self.http:
            identity[self.contract.port] = str(self.http.number)
        return {**identity, **(self.environment or {})}


def _short(text: str) -> list[dict[str, Any]]:
    match = _SHORT.fullmatch(text)
    if not match:
        raise PydanticCustomError("path", "a port as in compose files, such as '127.0.0.1:8080:80' or '53:53/udp'")
    numbers, published = _range(match["number"]), _range(match["published"]) if match["published"] else []
    if published and len(published) != len(numbers):
        raise PydanticCustomError("path", "two ranges of the same length")
    common = {"scheme": match["protocol"] or "tcp", "address": match["address"] and match["address"].strip("[]")}
    if not published:
        return [{"number": number, "internal": True, **common} for number in numbers]
    return [{"number": n, "published": p, **common} for n, p in zip(numbers, published, strict=True)]


def _range(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))
