"""The networks that the services share."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.sidecar.reach import ConnectOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.inspect.container import Container
    from pytest_lucid.inspect.network import NetworkFacts
    from pytest_lucid.matrix import Matrix, Network, Service
    from pytest_lucid.target.ways import Way

    Ways = Callable[[tuple[str, ...]], tuple[Way, ...]]
    Networks = tuple[tuple[Network, NetworkFacts], ...]

REMEDY = "Create it as the matrix says: docker network create --driver=… --subnet=… NAME."


@pytest.mark.lucid("NET-EXISTS", demand="network_names", decides=True, severity="critical", remedy=REMEDY)
def test_exists(lucid_networks: Networks) -> None:
    """Networks of exactly these names exist; a name that merely contains one does not count."""
    for _, found in lucid_networks:
        found.demand_existence()


@pytest.mark.lucid("NET-DRIVER", demand="network_drivers", severity="medium", remedy=REMEDY)
def test_driver(lucid_matrix: Matrix, lucid_networks: Networks) -> None:
    """Each network has the driver that the matrix demands."""
    demanded = lucid_matrix.network_drivers or {}
    assert {found.name: found.driver for _, found in lucid_networks if found.name in demanded} == demanded


@pytest.mark.lucid("NET-SUBNET", demand="network_subnets", severity="high", remedy=REMEDY)
def test_subnet(lucid_matrix: Matrix, lucid_networks: Networks) -> None:
    """The address pools of each are those of the matrix."""
    demanded = lucid_matrix.network_subnets or {}
    assert {found.name: set(found.subnets) for _, found in lucid_networks if found.name in demanded} == demanded


@pytest.mark.lucid(
    "NET-INTERNAL", demand="network_internals", severity="high", remedy="Create it with, or without, --internal."
)
def test_internal(lucid_matrix: Matrix, lucid_networks: Networks) -> None:
    """A network that must not reach the outside world is internal, and no other is."""
    demanded = lucid_matrix.network_internals or {}
    assert {found.name: found.is_internal for _, found in lucid_networks if found.name in demanded} == demanded


@pytest.mark.lucid(
    "NET-ADDRESS", demand=("networks", "stays"), severity="high", remedy="Attach the container to its networks."
)
def test_container_has_address(lucid_row_networks: tuple[Network, ...], lucid_container: Container) -> None:
    """The service has an address in every pool of its networks, and network and container agree on the address."""
    for network in lucid_row_networks:
        addresses = lucid_container.addresses.get(network.name, ())
        assert addresses, f"{lucid_container.name} has no address on {network.name}"
        for subnet in network.subnets:
            assert any(ip_address(address) in subnet for address in addresses), f"{addresses}: none is of {subnet}"


@pytest.mark.lucid(
    "NET-MEMBER",
    demand=("networks", "stays"),
    severity="high",
    remedy="Attach the container to its networks, and start it.",
)
def test_network_lists_container(
    lucid_row_networks: tuple[Network, ...], lucid_networks: Networks, lucid_container: Container
) -> None:
    """Network and container report the same addresses for each other."""
    members = {found.name: found.members for _, found in lucid_networks}
    addresses = lucid_container.addresses
    for network in lucid_row_networks:
        listed = members[network.name].get(lucid_container.name)
        assert listed, f"{network.name} does not list {lucid_container.name}"
        assert listed == addresses.get(network.name)


@pytest.mark.lucid(
    "NET-REACHES",
    demand="reaches",
    severity="high",
    remedy="Put both on one network, and let the other listen beyond its loopback.",
)
def test_reaches_others(lucid_service: Service, lucid_ways: Ways) -> None:
    """The service can connect to what the matrix says, tried from inside, at one of the other's addresses at least."""
    ways = [way for way in lucid_ways(lucid_service.reaches or ()) if not way.through_host]
    assert ways, "there is nobody to reach"
    reached = {(way.peer, way.endpoint.port) for way in ways if way.outcome is ConnectOutcome.OPEN}
    closed = [way for way in ways if (way.peer, way.endpoint.port) not in reached]
    assert not closed, "; ".join(f"{lucid_service.name} does not reach {way}" for way in closed)


@pytest.mark.lucid(
    "NET-ISOLATED",
    demand="isolated_from",
    severity="critical",
    remedy="Take it off the network that leads there, and publish the other on 127.0.0.1 only, or not at all.",
)
def test_reaches_nobody_else(lucid_service: Service, lucid_ways: Ways) -> None:
    """No way leads from the service to what it must not reach, on a network or through the host, tried from inside."""
    ways = lucid_ways(lucid_service.isolated_from or ())
    assert ways, "there is nobody to be isolated from"
    leading = [way for way in ways if way.is_open]
    assert not leading, "; ".join(f"{lucid_service.name} reaches {way}" for way in leading)
