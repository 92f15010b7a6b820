"""The network that the services share."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.container import Container
    from pytest_lucid.matrix import Matrix
    from pytest_lucid.network import Network

REMEDY = "Create it as the matrix says: docker network create --driver bridge --subnet=… lucid-dev."


@pytest.mark.lucid("NET-EXISTS", severity="critical", remedy=REMEDY)
def test_exists(network: Network) -> None:
    """A network of exactly this name is there; one whose name contains it does not count."""
    assert network.exists, f"there is no network called {network.name}"


@pytest.mark.lucid("NET-DRIVER", severity="medium", remedy=REMEDY)
def test_driver(matrix: Matrix, network: Network) -> None:
    """It is of the demanded kind."""
    assert network.driver == matrix.network.driver


@pytest.mark.lucid("NET-SUBNET", severity="high", remedy=REMEDY)
def test_subnet(matrix: Matrix, network: Network) -> None:
    """Its one address pool is that of the matrix."""
    assert network.subnets == (matrix.network.subnet,)


@pytest.mark.lucid("NET-ADDRESS", severity="high", remedy="Attach the container to the matrix's network.")
def test_container_has_address(matrix: Matrix, container: Container) -> None:
    """The service has an address of that pool: the network lists it, and the container agrees."""
    address = container.networks.get(matrix.network.name)
    assert address, f"{container.name} has no address on {matrix.network.name}"
    assert ip_address(address) in matrix.network.subnet


@pytest.mark.lucid("NET-MEMBER", severity="high", remedy="Attach the container to the matrix's network, and start it.")
def test_network_lists_container(matrix: Matrix, network: Network, container: Container) -> None:
    """Network and container say the same address of each other."""
    listed = network.members.get(container.name)
    assert listed, f"{network.name} does not list {container.name}"
    assert listed == container.networks.get(matrix.network.name)
