"""The settings that each container was created with: what its image and the matrix give, and nothing more.

A container that answers and looks healthy may still run another program, or the right one under somebody's influence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.inspect.creation import (
    alias_differences,
    mount_differences,
    probe_differences,
    program_differences,
    resolver_differences,
    setting_differences,
    variable_differences,
)
from pytest_lucid.inspect.steering import steering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.content.forbidden import Vocabulary
    from pytest_lucid.image.config import Image
    from pytest_lucid.inspect.container import Container
    from pytest_lucid.inspect.network import NetworkFacts
    from pytest_lucid.inspect.volumes import Volume
    from pytest_lucid.matrix import Matrix, Network, Service
    from pytest_lucid.target.deployment import Deployment

    Networks = tuple[tuple[Network, NetworkFacts], ...]


@pytest.mark.lucid(
    "CTR-PROGRAM",
    demand="hardening.as_declared",
    severity="critical",
    remedy="Start it without a command and without --entrypoint.",
)
def test_program_is_that_of_the_image(lucid_container: Container, lucid_image: Image) -> None:
    """The container runs the program of its image, in the image's directory: another program can fake answers."""
    differences = program_differences(lucid_container, lucid_image)
    assert not differences, "; ".join(differences)


@pytest.mark.lucid(
    "CTR-PROBE",
    demand="hardening.as_declared",
    severity="high",
    remedy="Start it without --health-cmd, --no-healthcheck and the like.",
)
def test_health_check_is_that_of_the_image(lucid_container: Container, lucid_image: Image) -> None:
    """The health check is that of the image: another check may always succeed."""
    differences = probe_differences(lucid_container, lucid_image)
    assert not differences, "; ".join(differences)


@pytest.mark.lucid(
    "CTR-STEERING",
    demand="hardening.as_declared",
    severity="critical",
    remedy="Start it without these variables. Where one is intended, declare it in the image or the matrix.",
)
def test_nobody_steers_by_variables(
    lucid_service: Service, lucid_container: Container, lucid_image: Image, lucid_words: Vocabulary
) -> None:
    """No variable was added that steers loader, interpreter or trust: such a variable decides what code runs."""
    assert "PATH" in lucid_container.environment, "the variables cannot be seen"
    differences = variable_differences(lucid_container, lucid_image, lucid_service, lucid_words)
    found = [f"{name} {differences[name]}" for name in steering(differences)]
    assert not found, "; ".join(found)


@pytest.mark.lucid(
    "CTR-VARIABLES",
    demand="hardening.as_declared",
    severity="medium",
    remedy="Give the variable in the image or the matrix, or leave it out.",
)
def test_variables_are_given(
    lucid_service: Service, lucid_container: Container, lucid_image: Image, lucid_words: Vocabulary
) -> None:
    """Every other variable comes from the image or the matrix, where a reader can look it up."""
    assert "PATH" in lucid_container.environment, "the variables cannot be seen"
    differences = variable_differences(lucid_container, lucid_image, lucid_service, lucid_words)
    # These have checks of their own: CTR-STEERING, CTR-TRON, and for what the matrix demands CTR-ENV.
    judged = {*steering(differences), *(lucid_service.variables or {})}
    environment = lucid_container.environment
    found = [
        f"{name} {how}"
        for name, how in sorted(differences.items())
        if name not in judged and not lucid_words.variables({name: environment[name]})
    ]
    assert not found, "; ".join(found)


@pytest.mark.lucid(
    "CTR-MOUNTS",
    demand="hardening.as_declared",
    severity="high",
    remedy="Mount what the matrix gives the service, and nothing else.",
)
def test_mounts_are_those_of_the_matrix(
    lucid_service: Service,
    lucid_container: Container,
    lucid_containers: tuple[Container, ...],
    lucid_volumes: Mapping[str, Volume],
) -> None:
    """Only the storage of this service in the matrix is mounted: a folder of the host is a way out."""
    differences = mount_differences(lucid_containers, lucid_container, lucid_service, lucid_volumes)
    assert not differences, "; ".join(differences)


@pytest.mark.lucid(
    "CTR-RESOLVER",
    demand="hardening.as_declared",
    severity="high",
    remedy="Start it without --dns, --add-host, --link and others' --hostname.",
)
def test_names_come_from_the_engine(lucid_matrix: Matrix, lucid_container: Container) -> None:
    """The engine alone resolves names: another name server can redirect every connection."""
    differences = resolver_differences(lucid_container, lucid_matrix)
    assert not differences, "; ".join(differences)


@pytest.mark.lucid(
    "CTR-SETTINGS",
    demand="hardening.as_declared",
    severity="high",
    remedy="Start it without the option, or give it in the matrix where there is a key.",
)
def test_host_settings_are_the_defaults(
    lucid_service: Service,
    lucid_container: Container,
    lucid_containers: tuple[Container, ...],
    lucid_deployment: Deployment,
) -> None:
    """Devices, limits, kernel parameters, logs, restarts and protections are the defaults or the matrix's."""
    defaults = lucid_deployment.engine.defaults
    differences = setting_differences(lucid_containers, lucid_container, lucid_service, defaults)
    assert not differences, "; ".join(differences)


@pytest.mark.lucid(
    "NET-STRANGERS",
    demand="exclusive_networks",
    severity="high",
    remedy="Disconnect it, or give it a row in the matrix.",
)
def test_network_has_no_strangers(lucid_networks: Networks, lucid_containers: tuple[Container, ...]) -> None:
    """Only containers of the matrix are on the network: any other there reaches every port of every service."""
    strangers = []
    for network, found in lucid_networks:
        if network.exclusive:
            there = {container.name for container in lucid_containers if is_on(container, network)}
            assert there <= set(found.members), f"the members of {network.name} cannot be seen"
            strangers += sorted(set(found.members) - {container.name for container in lucid_containers})
    assert not strangers, ", ".join(strangers)


@pytest.mark.lucid(
    "NET-ALIASES",
    demand="exclusive_networks",
    severity="high",
    remedy="Attach it under its own name only, without --network-alias.",
)
def test_names_on_the_network_are_own(lucid_networks: Networks, lucid_containers: tuple[Container, ...]) -> None:
    """No container on the network has the name of another, or a name that the matrix does not know."""
    differences = []
    for network, found in lucid_networks:
        if network.exclusive:
            found.demand_existence()
            differences += alias_differences(lucid_containers, network.name)
    assert not differences, "; ".join(differences)


def is_on(container: Container, network: Network) -> bool:
    """Whether a container, which may not be there, has an address on a network now."""
    return container.document is not None and bool(container.networks.get(network.name))
