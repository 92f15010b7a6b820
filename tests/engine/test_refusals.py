from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from docker.types import IPAMConfig, IPAMPool
from runs import SUITE, Things

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker
    from docker.models.containers import Container

    Run = Callable[..., tuple[int, str]]
    Look = Callable[[], Things]


def refused(result: tuple[int, str]) -> str:
    """The run ended before anything was built, with one message and pytest's usage error."""
    code, output = result
    assert code == pytest.ExitCode.USAGE_ERROR, output
    assert output.count("ERROR: ") == 1
    assert "Traceback" not in output
    assert "lucid-data-chain:latest:" not in output
    return output


@pytest.fixture
def foreign(client: docker.DockerClient) -> Iterator[Container]:
    """A container of somebody else that bears one of our names."""
    container = client.containers.create("lucid-data-chain:latest", name="lucid-data-chain", labels={"lucid.test": "1"})
    yield container
    container.remove(force=True)


def test_container_of_somebody_else_is_reported_and_left_alone(run: Run, foreign: Container, things: Look) -> None:
    output = refused(run("--lucid-up", SUITE))
    assert "container lucid-data-chain exists already" in output
    assert not things()
    foreign.reload()
    assert foreign.status == "created"


def test_taken_port_is_reported(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 8087)):
        output = refused(run("--lucid-up", SUITE))
    assert "port 8087 of lucid-data-chain is taken by another program" in output


@pytest.mark.parametrize(
    ("name", "subnet", "message"),
    [
        ("lucid-test-overlap", "172.20.5.0/24", "overlaps 172.20.5.0/24 of network lucid-test-overlap"),
        ("lucid-dev", "172.29.5.0/24", "network lucid-dev exists already and is not ours"),
    ],
    ids=["subnet", "name"],
)
def test_network_of_somebody_else_is_reported_and_left_alone(
    run: Run, client: docker.DockerClient, name: str, subnet: str, message: str
) -> None:
    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
    network = client.networks.create(name, ipam=ipam, labels={"lucid.test": "1"})
    try:
        assert message in refused(run("--lucid-up", SUITE))
        network.reload()
    finally:
        network.remove()


def test_host_without_the_services_fails(run: Run) -> None:
    code, output = run("--lucid-host=local", SUITE, "-k", "running or exists")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "there is no network called lucid-dev" in output
