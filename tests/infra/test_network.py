"""The network that the services share."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.inspect.container import Container
    from pytest_lucid.inspect.network import NetworkFacts
    from pytest_lucid.matrix import Matrix

REMEDY = "Create it as the matrix says: docker network create --driver bridge --subnet=… lucid-dev."


@pytest.mark.lucid("NET-EXISTS", severity="critical", remedy=REMEDY)
def test_exists(lucid_network: NetworkFacts) -> None:
    """A network of exactly this name is there; one whose name contains it does not count."""
    assert lucid_network.exists, f"there is no network called {lucid_network.name}"


@pytest.mark.lucid("NET-DRIVER", severity="medium", remedy=REMEDY)
def test_driver(lucid_matrix: Matrix, lucid_network: NetworkFacts) -> None:
    """It is of the demanded kind."""
    assert lucid_network.driver == lucid_matrix.network.driver


@pytest.mark.lucid("NET-SUBNET", severity="high", remedy=REMEDY)
def test_subnet(lucid_matrix: Matrix, lucid_network: NetworkFacts) -> None:
    """Its one address pool is that of the matrix."""
    assert lucid_network.subnets == (lucid_matrix.network.subnet,)


@pytest.mark.lucid("NET-ADDRESS", severity="high", remedy="Attach the container to the matrix's network.")
def test_container_has_address(lucid_matrix: Matrix, lucid_container: Container) -> None:
    """The service has an address of that pool: the network lists it, and the container agrees."""
    address = lucid_container.networks.get(lucid_matrix.network.name)
    assert address, f"{lucid_container.name} has no address on {lucid_matrix.network.name}"
    assert ip_address(address) in lucid_matrix.network.subnet


@pytest.mark.lucid("NET-MEMBER", severity="high", remedy="Attach the container to the matrix's network, and start it.")
def test_network_lists_container(lucid_matrix: Matrix, lucid_network: NetworkFacts, lucid_container: Container) -> None:
    """Network and container say the same address of each other."""
    listed = lucid_network.members.get(lucid_container.name)
    assert listed, f"{lucid_network.name} does not list {lucid_container.name}"
    assert listed == lucid_container.networks.get(lucid_matrix.network.name)
