"""The fixtures that checks ask for. Each hands over one fact; gathering it is the business of the facts' modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.errors import MissingError
from pytest_lucid.plugin import lucid_of

if TYPE_CHECKING:
    from pytest_lucid.container import Container
    from pytest_lucid.deployment import Deployment
    from pytest_lucid.dockerfile.facts import DockerfileFacts
    from pytest_lucid.image import Image
    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.network import Answer, Discovery, Network

NO_IMAGES = "no images were asked for: give --lucid-build, --lucid-up, or --lucid-host HOST"
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
def image(service: Service, pytestconfig: pytest.Config) -> Image:
    """The image of the service."""
    lucid = lucid_of(pytestconfig)
    if not lucid.settings.wants_images:
        pytest.skip(NO_IMAGES)
    return lucid.deployment.image(service)


@pytest.fixture
def bases(pytestconfig: pytest.Config) -> tuple[Image, ...]:
    """The variants of the matrix's base image that the engine has; none is an error: nothing can be compared then."""
    lucid = lucid_of(pytestconfig)
    if not lucid.settings.wants_images:
        pytest.skip(NO_IMAGES)
    found = lucid.deployment.bases
    if not found:
        raise MissingError(
            f"{lucid.matrix.base} is not on {lucid.engine}, so no image can be compared with it; "
            f"`docker pull {lucid.matrix.base}`, or load it from a file"
        )
    return found


@pytest.fixture
def deployment(pytestconfig: pytest.Config) -> Deployment:
    """The deployment under test, with every fact about it."""
    lucid = lucid_of(pytestconfig)
    if not lucid.settings.wants_deployment:
        pytest.skip(NO_DEPLOYMENT)
    return lucid.deployment


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
