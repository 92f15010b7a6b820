"""What a defect is: one small, named change of a copied container that makes one demand false."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.prove.creation import Creation


class CopiedStack(Protocol):
    """What can be done to the copy of a stack. Rows are called as in the matrix, networks as in the copy."""

    spare: str

    @property
    def networks(self) -> Mapping[str, str]:
        """The networks of the stack → those of the copy."""

    def networks_of(self, row: str) -> Sequence[str]:
        """The networks that the copy of a row is on."""

    def can_publish(self, row: str) -> bool:
        """Whether the engine publishes ports of this row."""

    def stop(self, row: str) -> None:
        """Stop the copy of a row."""

    def attach(self, row: str, network: str) -> None:
        """Put it on a network."""

    def detach(self, row: str, network: str) -> None:
        """Take it off a network."""

    def visit(self, row: str, command: list[str], port: int | None = None) -> None:
        """Run a command of busybox among its processes, or one that listens at `port` on its network."""


Change = Callable[["Creation"], object]
Act = Callable[[CopiedStack, str], object]


@dataclass(frozen=True)
class Defect:
    """A defect that makes `demand`, a key of the matrix, false.

    `checks` are the ids of the checks that speak of the demand. The container is created as `change` says, and `act` is
    done to it once it runs; with `of_other_image` it is made of another image. One that `spreads` changes what is seen
    of others, so it is planted alone.
    """

    demand: str
    name: str
    checks: frozenset[str]
    change: Change | None = None
    act: Act | None = None
    of_other_image: bool = False
    spreads: bool = False


@dataclass(frozen=True)
class Unplanted:
    """A demand for which no defect is planted, and why."""

    demand: str
    reason: str


def host(**options: Any) -> Change:
    """Set options of the container's host side."""
    return lambda creation: creation["HostConfig"].update(options)


def health_check(*test: str) -> Change:
    """Replace the health check, with timings that show its verdict soon."""
    second = 1_000_000_000
    timings = {"Interval": second, "Timeout": second, "Retries": 1, "StartPeriod": 1_000_000}
    return lambda creation: creation.update(Healthcheck={"Test": list(test), **timings})


def variable(name: str, value: str) -> Change:
    """Set one variable."""

    def change(creation: Creation) -> None:
        kept = [entry for entry in creation.get("Env") or () if entry.partition("=")[0] != name]
        creation["Env"] = [*kept, f"{name}={value}"]

    return change


def added_capability(name: str) -> Change:
    """Add a capability beyond those that it has."""

    def change(creation: Creation) -> None:
        creation["HostConfig"]["CapAdd"] = [*(creation["HostConfig"].get("CapAdd") or ()), name]

    return change


def security(*, drop: str = "", add: str = "") -> Change:
    """Take the security options that begin with `drop` away, and add one."""

    def change(creation: Creation) -> None:
        given = creation["HostConfig"].get("SecurityOpt") or ()
        kept = [option for option in given if not (drop and option.startswith(drop))]
        creation["HostConfig"]["SecurityOpt"] = [*kept, *([add] if add else [])]

    return change


def executable_memory(path: str) -> Change:
    """Let what lies in a tmpfs be executed."""

    def change(creation: Creation) -> None:
        creation["HostConfig"]["Tmpfs"] = {**(creation["HostConfig"].get("Tmpfs") or {}), path: "rw,exec,nosuid"}

    return change


def in_memory(path: str) -> Change:
    """Mount memory in place of a volume."""

    def change(creation: Creation) -> None:
        settings = creation["HostConfig"]
        settings["Mounts"] = [mount for mount in settings["Mounts"] if mount["Target"] != path]
        settings["Tmpfs"] = {**(settings.get("Tmpfs") or {}), path: "rw,mode=1777"}

    return change


def published_elsewhere(creation: Creation) -> None:
    """Publish its ports at numbers of the host that the engine chooses, one more port where it publishes none."""
    bindings = creation["HostConfig"]["PortBindings"] or {"9999/tcp": [{"HostIp": "127.0.0.1"}]}
    creation["ExposedPorts"] = {**(creation.get("ExposedPorts") or {}), **{port: {} for port in bindings}}
    creation["HostConfig"]["PortBindings"] = {
        port: [{**each, "HostPort": ""} for each in bound] for port, bound in bindings.items()
    }


def bound_elsewhere(creation: Creation) -> None:
    """Publish its ports on another address; one of loopback, since the defect must not open anything to others."""
    for bound in creation["HostConfig"]["PortBindings"].values():
        for each in bound:
            each["HostIp"] = "127.0.0.2"
