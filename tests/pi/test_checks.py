from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, cast

import docker
import pytest
from delay import delayed
from docker.context import ContextAPI
from machine import NAME, Machine
from runs import SUITE
from wiring import HERE, THERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ran import Ran

    Run = Callable[..., Ran]

SSH = 2222
PORTS = {SSH: 22, 8080: 8080, 8081: 8081, 8084: 8084, 8085: 8085, 8086: 8086, 8087: 8087, 8500: 8500}


def judged(ran: Ran) -> dict[str, tuple[str, ...]]:
    """Every cell, and what JUnit says of it beside its properties: nothing where it passed."""
    return {
        f"{case.get('classname')}::{case.get('name')}": tuple(c.tag for c in case if c.tag != "properties")
        for case in ran.cases
    }


def ids(ran: Ran) -> set[str]:
    return {f"{case.get('classname')}::{case.get('name')}" for case in ran.cases}


def outcomes(ran: Ran) -> set[str]:
    """How the cells came out: the kinds of what JUnit says of them."""
    return {child.tag for case in ran.cases for child in case if child.tag != "properties"}


def test_stack_is_built_there_brought_up_and_passes(stack: Ran) -> None:
    assert stack.code == 0, stack.output
    assert len(stack.cases) > 500
    assert outcomes(stack) <= {"skipped"}
    assert "[lucid-data-chain]" in " ".join(ids(stack))
    answer = {p.get("value") for case in stack.cases for p in case.iter("property") if p.get("name") == "lucid.host"}
    assert answer == {NAME}


def test_running_stack_passes_the_same_cells(run: Run, stack: Ran, machine: Machine) -> None:
    everything = ("find", "/", "-xdev", "-newer", "/proc/1/cmdline", "-type", "f", "-not", "-path", "/var/log/*")
    before = machine.run(*everything)
    ran = run(SUITE)
    # A run that finds the stack does not write to it, unless asked: it may be in production.
    journey = {cell for cell in judged(stack) if "test_journey" in cell}
    assert journey
    assert judged(ran) == judged(stack) | dict.fromkeys(journey, ("skipped",))
    assert machine.run(*everything) == before
    assert "sshd-session" not in machine.run("sh", "-c", "cat /proc/[0-9]*/comm")


def test_journey_goes_through_the_services_there(run: Run, stack: Ran) -> None:
    # Whoever brings a stack up has nothing in it yet that the journey could harm.
    assert {how for cell, how in judged(stack).items() if "test_journey" in cell} == {()}
    ran = run(SUITE, "--lucid-journey", "-k", "test_journey")
    assert ran.code == 0, ran.output
    assert len(ran.cases) == 5
    assert outcomes(ran) == set()
    assert f" on {NAME}; it stays there" in ran.output


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_toolbox_that_a_run_brings_goes_with_it(
    run: Run, engine: docker.DockerClient, workers: tuple[str, ...]
) -> None:
    def names() -> set[str]:
        return {tag for image in engine.images.list() for tag in image.tags}

    if "busybox:1.36.1-musl" in names():
        engine.images.remove("busybox:1.36.1-musl")
    before = names()
    ran = run(SUITE, "-k", "test_runtime", *workers)
    assert ran.code == 0, ran.output
    assert names() == before


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(("workers", "most"), [((), 1), (("-n2",), 3)], ids=["alone", "xdist"])
def test_each_process_connects_once(run: Run, ssh_config: Path, workers: tuple[str, ...], most: int) -> None:
    ssh_config.write_text(f"Host {NAME}\n  HostName {HERE}\n  Port {SSH}\n\n{ssh_config.read_text()}")
    with delayed(HERE, THERE, PORTS, 0.0) as relay:
        ran = run(SUITE, "-k", "test_network or test_container", *workers)
    assert ran.code == 0, ran.output
    assert relay.connections[SSH] == most


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("host", [f"pi@{NAME}", f"ssh://pi@{NAME}:22"])
def test_other_ways_to_name_it(run: Run, host: str) -> None:
    assert run(SUITE, "-k", "test_network", host=host).code == 0


@pytest.mark.usefixtures("stack")
def test_docker_context_is_found_by_its_name(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    ContextAPI.create_context("the-pi", host=f"ssh://pi@{NAME}")
    ran = run(SUITE, "-k", "test_network", host="the-pi")
    assert ran.code == 0, ran.output


@pytest.mark.usefixtures("stack")
def test_testinfra_reaches_the_machine_itself(run: Run, tmp_path: Path) -> None:
    test = tmp_path / "test_machine.py"
    test.write_text(
        "def test_machine(lucid_engine_host):\n"
        "    assert lucid_engine_host.file('/etc/hostname').exists\n"
        "    assert lucid_engine_host.system_info.distribution == 'debian'\n"
        "    assert lucid_engine_host.user().name == 'pi'\n"
    )
    ran = run(str(test))
    assert ran.code == 0, ran.output


@pytest.mark.usefixtures("stack")
def test_stopped_service_fails_alone(run: Run, engine: docker.DockerClient) -> None:
    container = engine.containers.get("lucid-data-chain")
    container.stop()
    try:
        ran = run(SUITE, "-k", "test_container or test_http")
    finally:
        container.start()
    assert ran.code == pytest.ExitCode.TESTS_FAILED
    assert set(re.findall(r"^── (\S+): \d+ (?:failed|error)", ran.output, re.MULTILINE)) == {"lucid-data-chain"}
    assert "lucid-data-chain: last log lines" in ran.output


@pytest.mark.usefixtures("stack")
def test_several_hosts_stand_side_by_side(run: Run) -> None:
    with closing(docker.from_env()) as local:
        here = "✓" if local.networks.list(names=["^lucid-dev$"]) else "✗"
    ran = run(SUITE, "-v", "-k", "test_network and test_exists", host=f"{NAME},local")
    assert ran.code == (0 if here == "✓" else pytest.ExitCode.TESTS_FAILED), ran.output
    assert f"test_exists[{NAME}]" in " ".join(ids(ran))
    assert "test_exists[local]" in " ".join(ids(ran))
    whole = "stack and tree @"
    assert re.search(rf"^{whole} {re.escape(NAME)} +1✓$", ran.output, re.MULTILINE), ran.output
    assert re.search(rf"^{whole} local +1{here}$", ran.output, re.MULTILINE), ran.output


def test_images_of_another_architecture_are_refused(run: Run, engine: docker.DockerClient, stack: Ran) -> None:
    assert stack.code == 0
    image = engine.images.get("lucid-data-chain:latest")
    container = engine.containers.create(image)
    try:
        # The stubs call the stream's chunks str; they are bytes.
        exported = b"".join(cast("Iterator[bytes]", container.export()))
    finally:
        container.remove()
    response = engine.api.post(
        f"{engine.api.base_url}/v{engine.api.api_version}/images/create",
        params={"fromSrc": "-", "repo": "lucid-data-chain", "tag": "latest", "platform": "linux/arm64"},
        data=exported,
    )
    response.raise_for_status()
    assert response.content
    try:
        ran = run(SUITE)
        assert ran.code == pytest.ExitCode.USAGE_ERROR, ran.output
        assert "lucid-data-chain:latest is for arm64" in ran.output
    finally:
        image.tag("lucid-data-chain:latest")
