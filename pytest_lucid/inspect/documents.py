"""The shapes of what engines and Consul answer, as far as they are read: what has another shape is one clear error.

The keys are those of the Engine API and of Consul's HTTP API.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pytest_lucid.errors import EngineError

Texts = list[str] | None
Text = str | None
Number = int | None


def _network(text: str) -> str:
    ip_network(text, strict=False)
    return text


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class Probe(_Answer):
    """One run of a health check."""

    Output: Text = None


class Health(_Answer):
    """What the health check has found."""

    Status: str = ""
    Log: list[Probe] | None = None


class State(_Answer):
    """How a container is."""

    Status: str
    Running: bool
    ExitCode: int = 0
    Health_: Health | None = Field(default=None, alias="Health")


class Healthcheck(_Answer):
    """How a container is probed; times in nanoseconds."""

    Test: Texts = None
    Interval: Number = None
    Timeout: Number = None
    StartPeriod: Number = None
    Retries: Number = None


class Config(_Answer):
    """What a container was started as."""

    User: Text = None
    Env: Texts = None
    WorkingDir: Text = None
    StopSignal: Text = None
    Hostname: Text = None
    Domainname: Text = None
    Labels: dict[str, str] | None = None
    Healthcheck_: Healthcheck | None = Field(default=None, alias="Healthcheck")


class Ulimit(_Answer):
    """A limit of the kernel."""

    Name: str
    Soft: int
    Hard: int


class Policy(_Answer):
    """When a container is started again."""

    Name: Text = None


class Logging(_Answer):
    """Where logs go."""

    Type: Text = None


class Host(_Answer):
    """How the host runs a container."""

    Tmpfs: dict[str, str] | None = None
    CapDrop: Texts = None
    CapAdd: Texts = None
    SecurityOpt: Texts = None
    MaskedPaths: Texts = None
    ReadonlyPaths: Texts = None
    Ulimits: list[Ulimit] | None = None
    RestartPolicy: Policy | None = None
    LogConfig: Logging | None = None
    Memory: Number = None
    MemorySwap: Number = None
    PidsLimit: Number = None
    OomScoreAdj: Number = None


class Mount(_Answer):
    """Something that is mounted into a container."""

    Type: str
    Destination: str
    Name: Text = None
    Source: Text = None


class Binding(_Answer):
    """Where a port is published."""

    HostIp: str
    HostPort: str = Field(pattern=r"^\d{0,5}$")


class Endpoint(_Answer):
    """A container's place on a network."""

    IPAddress: Text = None
    GlobalIPv6Address: Text = None
    Aliases: Texts = None
    DNSNames: Texts = None


class Networking(_Answer):
    """Ports and networks of a container."""

    Ports: dict[str, list[Binding] | None] | None = None
    Networks: dict[str, Endpoint]


class ContainerDocument(_Answer):
    """What inspecting a container answers."""

    Id: str
    Name: str
    Path: str
    Args: Texts = None
    Image: str
    RestartCount: int
    State_: State = Field(alias="State")
    Config_: Config = Field(alias="Config")
    HostConfig: Host
    NetworkSettings: Networking
    Mounts: list[Mount]


class Pool(_Answer):
    """A pool of addresses."""

    Subnet: Annotated[str, AfterValidator(_network)]


class Pools(_Answer):
    """All pools of a network."""

    Config: list[Pool] | None = None


class Member(_Answer):
    """A container on a network."""

    Name: str
    IPv4Address: Text = None
    IPv6Address: Text = None


class NetworkDocument(_Answer):
    """What inspecting a network answers."""

    Name: str
    Driver: str
    Internal: bool | None = None
    IPAM: Pools | None = None
    Containers: dict[str, Member] | None = None


class Instance(_Answer):
    """An instance of a service in Consul."""

    Address: str = ""
    Port: int = Field(ge=0, le=65535)


class Node(_Answer):
    """The machine of an instance."""

    Address: str


class Check(_Answer):
    """One of Consul's checks of an instance."""

    Status: str


class Entry(_Answer):
    """One entry of `health/service/NAME`."""

    Service: Instance
    Node_: Node = Field(alias="Node")
    Checks: list[Check]


def understood(shape: Any, document: Any, doing: str) -> Any:
    """The document as it is; raises EngineError, with the first mistake, where it does not have the shape."""
    try:
        TypeAdapter(shape).validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise EngineError(f"{doing}: the answer is not understood: {place}: {first['msg']}") from error
    return document
