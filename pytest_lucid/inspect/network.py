"""What the engine reports of a network."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from docker.errors import NotFound

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.missing import no_network
from pytest_lucid.inspect.documents import NetworkDocument, understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.engine.connection import Engine


@dataclass(frozen=True)
class NetworkFacts:
    """The network called `name`. Asking anything of one that is not there raises MissingError."""

    name: str
    document: Mapping[str, Any] | None

    def demand_existence(self) -> None:
        """Raise MissingError where the engine has no network of exactly this name."""
        _ = self._document

    @property
    def driver(self) -> str:
        """`bridge`, `overlay`, …."""
        return str(self._document["Driver"])

    @property
    def subnets(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The address pools."""
        pools = (self._document.get("IPAM") or {}).get("Config") or ()
        return tuple(ip_network(pool["Subnet"], strict=False) for pool in pools)

    @property
    def is_internal(self) -> bool:
        """Whether nothing on it reaches the world outside."""
        return bool(self._document.get("Internal"))

    @property
    def members(self) -> Mapping[str, frozenset[str]]:
        """The running containers on it: name → addresses, IPv4 and IPv6, without the prefix length."""
        members = (self._document.get("Containers") or {}).values()
        addresses = {m["Name"]: (m.get("IPv4Address") or "", m.get("IPv6Address") or "") for m in members}
        return {name: frozenset(each.partition("/")[0] for each in both if each) for name, both in addresses.items()}

    @property
    def _document(self) -> Mapping[str, Any]:
        if self.document is None:
            raise no_network(self.name)
        return self.document


def read_network(engine: Engine, name: str) -> NetworkFacts:
    """Ask the engine for the network called exactly `name`."""
    doing = f"inspecting network {name}"
    with engine_errors(doing):
        try:
            document = understood(NetworkDocument, engine.client.api.inspect_network(name), doing)
        except NotFound:
            return NetworkFacts(name, None)
    return NetworkFacts(name, document if document["Name"] == name else None)
