from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import docker
import pytest
from machine import NAME
from ran import says, unreached
from runs import SUITE

from pytest_lucid.engine.connection import connect
from pytest_lucid.stack.transfer import send_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def test_images_built_here_are_sent_without_the_layers_that_are_there(
    run: Run, engine: docker.DockerClient, machine: Machine
) -> None:
    name = "lucid-data-chain:latest"
    chosen = ("--lucid-service=lucid-data-chain", "--lucid-build-on=here")
    ran = run("--lucid-up", *chosen, SUITE)
    assert ran.code == 0, ran.output
    here = docker.from_env()
    assert engine.images.get(name).id == here.images.get(name).id
    ran = run("--lucid-build", *chosen, SUITE, "-k", "test_image_tools")
    assert f"{name}: unchanged on {NAME}" in ran.output
    assert "sending" not in ran.output
    # One layer more, which only this machine has.
    text = f"FROM {name}\nCOPY --from=busybox:1.36.1-musl /bin/busybox /helper\n"
    here.images.build(fileobj=io.BytesIO(text.encode()), tag="lucid-test-sent:1", rm=True, forcerm=True)
    lines: list[str] = []
    try:
        with closing(connect()) as source, closing(connect(machine.engine)) as target:
            send_images(source, target, ["lucid-test-sent:1", name], lines.append)
        assert lines[0] == f"{name}: unchanged on {machine.engine}"
        assert re.fullmatch(r"sending lucid-test-sent:1 to unix://.*: 1 of 5 layers, [0-2]\.\d MB", lines[1])
        assert engine.images.get("lucid-test-sent:1").id == here.images.get("lucid-test-sent:1").id
    finally:
        for client in (here, engine):
            client.images.remove("lucid-test-sent:1", force=True)
        here.close()


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
    assert unreached(ran) == (1, 3), ran.output
    assert "ERROR: " not in ran.output
    left = re.search(r"lucid: (\S+): what run (\w{8}) made is still there: .* was lost during the run", ran.output)
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
    assert unreached(ran) == (1, 3), ran.output
