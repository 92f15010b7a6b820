from __future__ import annotations

import json
import re
import socket
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from docker.types import IPAMConfig, IPAMPool
from runs import SERVICES, SUITE, Things
from second_engine import second_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

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


def test_host_without_the_services_fails_and_tells_each_cause_once(run: Run, tmp_path: Path) -> None:
    code, output = run("--lucid-host=local", "--lucid-json=run.json", "--lucid-junit=junit.xml", SUITE)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    for name in SERVICES | {"consul"}:
        assert output.count(f"there is no container called {name}; expected it to run") == 1, output
    assert output.count("there is no network called lucid-dev") == 1, output
    assert re.search(r": 8 failed, \d{3} not judged, \d+ skipped, \d+ passed$", output, re.MULTILINE), output
    assert "Traceback" not in output
    cells = json.loads((tmp_path / "run.json").read_text("utf-8"))["cells"]
    assert {cell["check"] for cell in cells if cell["outcome"] == "failed"} == {
        "CTR-RUNNING", "CSL-RUNNING", "NET-EXISTS"
    }  # fmt: skip
    # What runs in nothing that is there passes nowhere.
    judged = {cell["check"] for cell in cells if cell["outcome"] == "passed"}
    assert {check.partition("-")[0] for check in judged} == {"IMG"}
    red = {"failed", "unjudged"}
    cases = ET.parse(tmp_path / "junit.xml").iter("testcase")  # noqa: S314 - our own text
    assert sum(case.find("failure") is not None or case.find("error") is not None for case in cases) == sum(
        cell["outcome"] in red for cell in cells
    )


def test_stopped_service_decides_all_that_it_would_have_to_run_for(run: Run, client: docker.DockerClient) -> None:
    code, output = run("--lucid-up", "--lucid-keep", SUITE, "-k", "test_exists")
    assert code == 0, output
    client.containers.get("lucid-data-chain").kill()
    code, output = run("--lucid-host=local", SUITE)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert output.count("lucid-data-chain is exited, exit code 137; expected it to run") == 1, output
    assert re.search(r"^── lucid-data-chain: 1 failed, \d+ not judged", output, re.MULTILINE), output
    client.containers.get("consul").kill()
    code, output = run("--lucid-host=local", SUITE, "-k", "test_discovery")
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert output.count("consul is exited, exit code 137; expected it to run") == 1, output
    assert re.search(r": 1 failed, \d+ not judged$", output, re.MULTILINE), output


def test_an_engine_that_cannot_limit_memory_is_refused_with_the_words_that_the_kernel_lacks(
    run: Run, client: docker.DockerClient
) -> None:
    with second_engine("no memory group", client) as engine:
        output = refused(run(f"--lucid-host={engine.url}", SUITE))
    assert "its engine cannot limit the memory of containers" in output
    assert "add cgroup_enable=memory cgroup_memory=1 to the one line of /boot/firmware/cmdline.txt" in output
