"""What Consul knows of the services, compared with what the engine knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.inspect.consul import Discovery
    from pytest_lucid.inspect.container import Container
    from pytest_lucid.matrix import Consul, Matrix, Network, Service
    from pytest_lucid.target.deployment import Deployment

REMEDY = "Set SERVICE_DISCOVERY_URL, and read the service's last log lines for its registration."


@pytest.mark.lucid(
    "CSL-RUNNING",
    demand="consul",
    decides=True,
    severity="critical",
    remedy="Start Consul on the matrix's network.",
)
def test_consul_is_running(lucid_matrix: Matrix, lucid_consul: Consul, lucid_deployment: Deployment) -> None:
    """A container of exactly this name runs on the shared network."""
    consul = lucid_deployment.container(lucid_consul.container)
    consul.demand_running()
    assert lucid_matrix.network is None or lucid_matrix.network.name in consul.networks


@pytest.mark.lucid(
    "CSL-UNPUBLISHED",
    demand="consul",
    severity="high",
    remedy="Publish no port of Consul; the mesh controller owns 8500.",
)
def test_consul_is_not_published(lucid_consul: Consul, lucid_deployment: Deployment) -> None:
    """No port of Consul is published: its API can write, so nobody outside the network may reach it."""
    assert not lucid_deployment.container(lucid_consul.container).published


@pytest.mark.lucid(
    "CSL-LEADER", demand="consul", severity="critical", remedy="Restart Consul; without a leader it answers nothing."
)
def test_consul_has_leader(lucid_discovery: Discovery) -> None:
    """Consul has elected a leader: a server without a leader accepts connections and answers no query."""
    assert lucid_discovery.leader


@pytest.mark.lucid("CSL-REGISTERED", demand="registered", severity="high", remedy=REMEDY)
def test_service_is_registered_once(
    lucid_service: Service, lucid_container: Container, lucid_discovery: Discovery
) -> None:
    """The catalog has exactly one instance: without one nobody finds the service, and a second one is stale."""
    found = lucid_discovery.registrations[lucid_service.name]
    if not found:
        lucid_container.demand_running()
    assert len(found) == 1


@pytest.mark.lucid(
    "CSL-PASSING",
    demand="registered",
    severity="high",
    remedy="Read the service's last log lines; Consul asks its /health.",
)
def test_checks_pass(lucid_service: Service, lucid_container: Container, lucid_discovery: Discovery) -> None:
    """Consul's checks of the service pass: Consul hands out the addresses of passing instances only."""
    passing = [registration.passing for registration in lucid_discovery.registrations[lucid_service.name]]
    if passing != [True]:
        lucid_container.demand_running()
    assert passing == [True]


@pytest.mark.lucid("CSL-ADDRESS", demand="registered", severity="high", remedy=REMEDY)
def test_registration_agrees_with_engine(
    lucid_service: Service,
    lucid_row_networks: tuple[Network, ...],
    lucid_container: Container,
    lucid_discovery: Discovery,
) -> None:
    """Address and port of the catalog are those that the engine gave: otherwise callers end up elsewhere."""
    port = lucid_service.http.number if lucid_service.http else None
    given = {address for network in lucid_row_networks for address in lucid_container.addresses.get(network.name, ())}
    found = lucid_discovery.registrations[lucid_service.name]
    assert [registration.port for registration in found] == [port]
    assert {registration.address for registration in found} <= given
