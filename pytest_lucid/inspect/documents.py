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


class _Probe(_Answer):
    """One run of a health check."""

    Output: Text = None


class _Health(_Answer):
    """What the health check has found."""

    Status: str = ""
    Log: list[_Probe] | None = None


class _State(_Answer):
    """How a container is."""

    Status: str
    Running: bool
    ExitCode: int = 0
    Health_: _Health | None = Field(default=None, alias="Health")


class _Healthcheck(_Answer):
    """How a container is probed; times in nanoseconds."""

    Test: Texts = None
    Interval: Number = None
    Timeout: Number = None
    StartPeriod: Number = None
    Retries: Number = None


class _Config(_Answer):
    """What a container was started as."""

    User: Text = None
    Env: Texts = None
    WorkingDir: Text = None
    StopSignal: Text = None
    Hostname: Text = None
    Domainname: Text = None
    Labels: dict[str, str] | None = None
    Healthcheck_: _Healthcheck | None = Field(default=None, alias="Healthcheck")


class _Ulimit(_Answer):
    """A limit of the kernel."""

    Name: str
    Soft: int
    Hard: int


class _Policy(_Answer):
    """When a container is started again."""

    Name: Text = None


class _Logging(_Answer):
    """Where logs go."""

    Type: Text = None


class _Host(_Answer):
    """How the host runs a container."""

    Tmpfs: dict[str, str] | None = None
    CapDrop: Texts = None
    CapAdd: Texts = None
    SecurityOpt: Texts = None
    MaskedPaths: Texts = None
    ReadonlyPaths: Texts = None
    Ulimits: list[_Ulimit] | None = None
    RestartPolicy: _Policy | None = None
    LogConfig: _Logging | None = None
    Memory: Number = None
    MemorySwap: Number = None
    PidsLimit: Number = None
    OomScoreAdj: Number = None


class _Mount(_Answer):
    """Something that is mounted into a container."""

    Type: str
    Destination: str
    Name: Text = None
    Source: Text = None


class _Binding(_Answer):
    """Where a port is published."""

    HostIp: str
    HostPort: str = Field(pattern=r"^\d{0,5}$")


class _Endpoint(_Answer):
    """A container's place on a network."""

    IPAddress: Text = None
    GlobalIPv6Address: Text = None
    Aliases: Texts = None
    DNSNames: Texts = None


class _Networking(_Answer):
    """Ports and networks of a container."""

    Ports: dict[str, list[_Binding] | None] | None = None
    Networks: dict[str, _Endpoint]


class ContainerDocument(_Answer):
    """What inspecting a container answers."""

    Id: str
    Name: str
    Path: str
    Args: Texts = None
    Image: str
    RestartCount: int
    State_: _State = Field(alias="State")
    Config_: _Config = Field(alias="Config")
    HostConfig: _Host
    NetworkSettings: _Networking
    Mounts: list[_Mount]


class _Pool(_Answer):
    """A pool of addresses."""

    Subnet: Annotated[str, AfterValidator(_network)]


class _Pools(_Answer):
    """All pools of a network."""

    Config: list[_Pool] | None = None


class _Member(_Answer):
    """A container on a network."""

    Name: str
    IPv4Address: Text = None
    IPv6Address: Text = None


class NetworkDocument(_Answer):
    """What inspecting a network answers."""

    Name: str
    Driver: str
    Internal: bool | None = None
    IPAM: _Pools | None = None
    Containers: dict[str, _Member] | None = None


class _NamedPort(_Answer):
    """One of several ports of an instance."""

    Port: int = Field(ge=0, le=65535)
    Default: bool = False


class _Instance(_Answer):
    """An instance of a service in Consul."""

    Address: str = ""
    Port: int = Field(default=0, ge=0, le=65535)
    # Of Consul 1.22 and later; an instance has this or one port.
    Ports: list[_NamedPort] | None = None


class _Node(_Answer):
    """The machine of an instance."""

    Address: str


class _Check(_Answer):
    """One of Consul's checks of an instance."""

    Status: str


class ConsulEntry(_Answer):
    """One entry of `health/service/NAME`."""

    Service: _Instance
    Node_: _Node = Field(alias="Node")
    Checks: list[_Check]


def understood(shape: Any, document: Any, doing: str) -> Any:
    """The document as it is; raises EngineError, with the first mistake, where it does not have the shape."""
    try:
        TypeAdapter(shape).validate_python(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise EngineError(f"{doing}: the answer is not understood: {place}: {first['msg']}") from error
    return document
