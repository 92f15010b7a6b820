"""The fixtures that checks ask for. Each hands over one fact; gathering it is the business of the facts' modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.stash import fixtures_of, lucid_of

if TYPE_CHECKING:
    from pytest_lucid.container import Container
    from pytest_lucid.deployment import Deployment
    from pytest_lucid.dockerfile.facts import DockerfileFacts
    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.network import Answer, Discovery, Network
    from pytest_lucid.site import Site

NO_DEPLOYMENT = "no deployment was asked for: give --lucid-up, or --lucid-host HOST"


@pytest.fixture
def lucid_service(request: pytest.FixtureRequest) -> Service:
    """The row of the matrix; the plugin parametrizes it. Its name is unlikely to be anybody else's."""
    row: Service = request.param
    return row


@pytest.fixture
def service(lucid_service: Service) -> Service:
    """The service under test: a test that asks for it runs once for each row of the matrix."""
    return lucid_service


@pytest.fixture
def matrix(pytestconfig: pytest.Config) -> Matrix:
    """The whole service matrix."""
    return lucid_of(pytestconfig).matrix


@pytest.fixture
def dockerfile(service: Service, pytestconfig: pytest.Config) -> DockerfileFacts:
    """The Dockerfile of the service, read and resolved."""
    return lucid_of(pytestconfig).dockerfile(service)


@pytest.fixture
def lucid_host(request: pytest.FixtureRequest) -> str:
    """The host under test; where the user asked for several, the plugin parametrizes it."""
    host: str = getattr(request, "param", None) or lucid_of(request.config).hosts[0]
    return host


@pytest.fixture
def site(lucid_host: str, request: pytest.FixtureRequest) -> Site:
    """All that is known of the host under test."""
    found = lucid_of(request.config).sites[lucid_host]
    found.gather(fixtures_of(request.session))
    return found


@pytest.fixture
def deployment(site: Site, pytestconfig: pytest.Config) -> Deployment:
    """The deployment under test, with every fact about it."""
    if not lucid_of(pytestconfig).settings.wants_deployment:
        pytest.skip(NO_DEPLOYMENT)
    return site.deployment


@pytest.fixture
def container(service: Service, deployment: Deployment) -> Container:
    """The container of the service."""
    return deployment.container(service.name)


@pytest.fixture
def network(deployment: Deployment) -> Network:
    """The network that the services share."""
    return deployment.network


@pytest.fixture
def health(service: Service, deployment: Deployment) -> Answer:
    """What the service answers to GET /health."""
    return deployment.get(service, "/health")


@pytest.fixture
def discovery(deployment: Deployment) -> Discovery:
    """What Consul knows."""
    return deployment.discovery
