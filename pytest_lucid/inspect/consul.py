"""What Consul knows, asked over HTTP from within its own container, so that no other service colours the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import EngineError
from pytest_lucid.inspect.consul_client import consul_client
from pytest_lucid.inspect.documents import ConsulEntry, understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.inspect.consul_client import ConsulClient
    from pytest_lucid.sidecar.session import Session

NOT_KNOWN = "so what is registered is not known; expected CONSUL_HTTP_TOKEN to have a token with"


@dataclass(frozen=True)
class Registration:
    """One instance in Consul's catalog: where it says it listens, and whether its checks pass."""

    address: str
    port: int
    passing: bool


@dataclass(frozen=True)
class Discovery:
    """Consul's view: who leads (None for nobody), and the registrations of each service asked for."""

    leader: str | None
    registrations: Mapping[str, tuple[Registration, ...]]


def read_discovery(session: Session, port: int, services: Sequence[str]) -> Discovery:
    """Ask the Consul that `session` is inside of, at `port`, for its leader and for `services`.

    Without a leader it knows of no service. Raises EngineError where it does not answer, and where a list leaves out
    what the token may not read: what is registered is then not known.
    """
    with consul_client(session, port) as client:
        return discover(client, services)


def discover(client: ConsulClient, services: Sequence[str]) -> Discovery:
    """Ask over `client`; see `read_discovery`."""
    leader, *answers = client.get(("status/leader", *(f"health/service/{name}" for name in services)))
    elected = understood(str, leader.document, "asking Consul for its leader") or None
    if elected is None:
        return Discovery(None, dict.fromkeys(services, ()))
    named = dict(zip(services, answers, strict=True))
    if hidden := [name for name, answer in named.items() if answer.is_filtered]:
        raise EngineError(f"Consul hides {', '.join(hidden)} from whoever has this token, {_remedy(*hidden)}")
    found = {name: registrations(answer.document, name) for name, answer in named.items()}
    _demand_rights(client, [name for name, registered in found.items() if not registered])
    return Discovery(elected, found)


def registrations(answer: Any, name: str) -> tuple[Registration, ...]:
    """The instances in Consul's answer about the service called `name`; raises EngineError for any other answer."""
    entries: list[dict[str, Any]] = understood(list[ConsulEntry], answer, f"asking Consul for {name}")
    return tuple(
        Registration(
            address=entry["Service"].get("Address") or entry["Node"]["Address"],
            port=_port(entry["Service"]),
            passing=all(check["Status"] == "passing" for check in entry["Checks"]),
        )
        for entry in entries
    )


def _port(service: Mapping[str, Any]) -> int:
    """The port of an instance; of several, which Consul 1.22 knows, the one that it calls the default."""
    ports = service.get("Ports") or [{"Port": service.get("Port", 0)}]
    return int(next((port for port in ports if port.get("Default")), ports[0])["Port"])


def _demand_rights(client: ConsulClient, unseen: Sequence[str]) -> None:
    """Raise EngineError where the token may not read what is `unseen`: Consul before 1.11 hides it without a word."""
    if not unseen:
        return
    if hidden := client.unreadable(unseen):
        raise EngineError(f"Consul hides {', '.join(hidden)} from whoever has this token, {_remedy(*hidden)}")
    (nodes,) = client.get(["catalog/nodes"])
    if understood(list[Any], nodes.document, "asking Consul for its nodes") == []:
        raise EngineError(f"Consul shows no node, not even its own, {NOT_KNOWN} node:read")


def _remedy(*names: str) -> str:
    return f"{NOT_KNOWN} service:read on {', '.join(names)}, and node:read"
