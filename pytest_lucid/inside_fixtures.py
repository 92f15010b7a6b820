"""The glue for looking into running containers: fixtures, and the lifetime of the twins.

Everything is made when a test first asks for it; the process that the user started removes it after the last test.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.errors import EngineError
from pytest_lucid.stash import SETTINGS, lucid_of

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from testinfra.host import Host

    from pytest_lucid.deployment import Deployment
    from pytest_lucid.matrix import Service
    from pytest_lucid.twin.drift import Drift
    from pytest_lucid.twin.inside import Inside


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell xdist's workers to which run their twins belong, so that they share them."""
    if node.config.stash[SETTINGS].wants_deployment:
        run = lucid_of(node.config).run
        node.workerinput.update(lucid_run=run.id, lucid_owner=run.owner)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Leave the twins after the last test, while what they look into still runs, and remove them."""
    config = session.config
    if config.option.collectonly or not config.stash[SETTINGS].wants_deployment:
        return (yield)
    try:
        return (yield)
    finally:
        for site in lucid_of(config).sites.values():
            # A host that could not be reached, or was lost, must not keep the others' twins from being removed.
            with suppress(EngineError):
                site.twins.close()
                if not hasattr(config, "workerinput"):
                    site.twins.remove()


@pytest.fixture
def inside(service: Service, deployment: Deployment) -> Inside:
    """What is seen from within the container of the service."""
    return deployment.inside(service)


@pytest.fixture
def names(service: Service, deployment: Deployment) -> Mapping[str, frozenset[str]]:
    """The addresses to which the names of all running containers resolve inside the service."""
    return deployment.names(service)


@pytest.fixture
def drift(service: Service, deployment: Deployment) -> Drift:
    """What has changed in the container's own layer."""
    return deployment.drift(service)


@pytest.fixture
def service_host(service: Service, deployment: Deployment) -> Host:
    """The testinfra Host for the container of the service, without a shell in it."""
    from pytest_lucid.twin.backend import host_through  # noqa: PLC0415 - only for tests that ask for it

    return host_through(deployment.twins.session(service.name))


@pytest.fixture
def docker_host(deployment: Deployment) -> Host:
    """The testinfra Host for the machine that runs the engine."""
    import testinfra  # noqa: PLC0415 - only for tests that ask for it

    engine = deployment.engine
    if engine.tunnel:
        from pytest_lucid.engine.backend import host_through  # noqa: PLC0415 - likewise

        return host_through(engine.tunnel)
    if not engine.is_local:
        pytest.skip(f"{engine} is reached without ssh, so its machine cannot be looked at; give it as ssh://")
    return testinfra.get_host("local://")
