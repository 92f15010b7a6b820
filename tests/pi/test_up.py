from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from machine import NAME
from ran import says
from runs import SUITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker
    from machine import Machine
    from ran import Ran

    Run = Callable[..., Ran]


def test_up_replaces_what_is_there_and_leaves_nothing(run: Run, engine: docker.DockerClient, stack: Ran) -> None:
    assert stack.code == 0
    ran = run("--lucid-up", "--lucid-service=lucid-data-chain", SUITE, "-k", "test_container or test_http")
    assert ran.code == 0, ran.output
    assert "removed run" in ran.output
    assert not engine.containers.list(all=True, filters={"label": "lucid.run"})
    assert not engine.networks.list(filters={"label": "lucid.run"})
    assert not engine.volumes.list(filters={"label": "lucid.run"})


def test_run_of_another_machine_is_reported_and_left_alone(run: Run, engine: docker.DockerClient, stack: Ran) -> None:
    assert stack.code == 0
    for left in engine.containers.list(all=True):
        left.remove(force=True)
    labels = {"lucid.run": "12345678", "lucid.owner": "somebody@elsewhere", "lucid.keep": "false"}
    theirs = engine.containers.create("lucid-data-chain:latest", name="lucid-data-chain", labels=labels)
    try:
        ran = run("--lucid-up", SUITE)
        assert ran.code == pytest.ExitCode.USAGE_ERROR
        assert "belongs to run 12345678 of somebody@elsewhere" in ran.output
        theirs.reload()
    finally:
        theirs.remove(force=True)


def test_host_that_is_lost_while_its_stack_is_up(
    run: Run, machine: Machine, engine: docker.DockerClient, breaking: Callable[[str], str]
) -> None:
    try:
        ran = run("--lucid-up", breaking("machine.end('sshd', 'sshd-session')"))
    finally:
        machine.start("/usr/sbin/sshd")
    says(ran, "sshd killed in the middle")
    assert len(ran.cases) == 6
    assert "DRIFT  . . E E E E" in ran.output
    assert "ERROR: " not in ran.output
    left = re.search(r"lucid: (\S+): what run (\w{8}) made is still there: .* was lost in the middle", ran.output)
    assert left
    assert left[1] == NAME
    assert engine.containers.list(filters={"label": f"lucid.run={left[2]}"})
    down = subprocess.run(
        [sys.executable, "-m", "pytest_lucid", "down", f"--host={NAME}"],
        check=False,
        env={**os.environ, "PATH": f"{machine.programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"removed run {left[2]}, left over" in down.stdout, down.stderr
    assert not engine.containers.list(all=True, filters={"label": "lucid.run"})


@pytest.fixture
def engine_again(machine: Machine, engine: docker.DockerClient) -> Iterator[None]:
    """Start the engine again, and remove what was on it."""
    yield
    machine.run("rm", "-f", "/var/run/docker.pid")
    machine.start("dockerd", "--cgroup-parent=/lucidpi")
    machine.await_engine()
    for container in engine.containers.list(all=True):
        container.remove(force=True)


@pytest.mark.usefixtures("engine_again")
def test_engine_that_stops_in_the_middle(run: Run, breaking: Callable[[str], str]) -> None:
    ready = run("--lucid-up", "--lucid-keep", SUITE, "-k", "test_exists")
    assert ready.code == 0, ready.output
    ran = run(breaking("machine.end('dockerd', 'containerd')"))
    says(ran, "engine stopped in the middle")
    assert len(ran.cases) == 6
    assert "DRIFT  . . E E E E" in ran.output
