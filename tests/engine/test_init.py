"""`init --running` on a stack that is not Lucid's: its file is green without an edit, and finds what is done to it."""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from docker.types import IPAMConfig, IPAMPool, Mount
from runs import DEADLINE_SECONDS, ROOT, SUITE

from pytest_lucid import standin
from pytest_lucid.sidecar.sidecar import TOOLBOX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    Run = Callable[..., tuple[int, str]]

pytestmark = pytest.mark.engine
IMAGE = "gcr.io/distroless/python3-debian12:nonroot"
OTHER_IMAGE = "gcr.io/distroless/python3-debian12:latest"
FRONT, BACK = "scratch-front", "scratch-back"
PROJECT = "scratch-shop"
LABELS = {"com.docker.compose.project": PROJECT}
PYTHON = "/usr/bin/python3.11"
ALIVE = [PYTHON, "-c", "import socket; socket.create_connection(('127.0.0.1', 7000), 2)"]
LISTEN = "import os, signal, socket, sys; kept = [socket.create_server(('0.0.0.0', 7000))]\n%s\nsignal.pause()"
HEALTHY: dict[str, Any] = {
    "image": IMAGE,
    "user": "65532:65532",
    "read_only": True,
    "tmpfs": {"/tmp": "rw,noexec,nosuid"},
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "mem_limit": "64m",
    "pids_limit": 20,
    # Fourteen containers: more frequent probes would keep a small machine from anything else.
    "healthcheck": {"test": ["CMD", *ALIVE], "interval": 4 * 10**9},
}
# What is done to a container → the check that speaks of it, and what its program does beside.
DEFECTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "root": ("CTR-USER", {"user": "0:0"}, ""),
    "writable": ("CTR-READONLY", {"read_only": False}, ""),
    "capabilities": ("CTR-CAPS", {"cap_drop": []}, ""),
    "privileges": ("CTR-NNP", {"security_opt": []}, ""),
    "limits": ("CTR-LIMITS", {"pids_limit": None}, ""),
    "executable": ("CTR-TMP", {"tmpfs": {"/tmp": "rw,nosuid,exec"}}, ""),
    "unhealthy": ("CTR-HEALTHY", {"healthcheck": {"test": ["CMD", PYTHON, "-c", "1/0"], "interval": 10**9}}, ""),
    "image": ("CTR-IMAGE", {"image": OTHER_IMAGE}, ""),
    "network": ("CTR-NETWORK", {"second_network": True}, ""),
    "everywhere": ("CTR-BOUND", {"ports": {"7000/tcp": ("0.0.0.0", 17911)}}, ""),
    "port": ("RUN-LISTEN", {}, "kept.append(socket.create_server(('0.0.0.0', 7009)))"),
    "process": ("RUN-PROCESSES", {}, "os.fork()"),
    "socket": ("RUN-ENGINE-SOCKET", {"engine_socket": True}, ""),
    "memory": ("RUN-NAMESPACES", {"ipc_mode": "host"}, ""),
}


def start(client: docker.DockerClient, name: str, changes: dict[str, Any], lines: str = "") -> None:
    options = {**HEALTHY, **changes}
    mounts = [Mount("/anything", "/var/run/docker.sock", "bind")] if options.pop("engine_socket", False) else []
    second = options.pop("second_network", False)
    container = client.containers.create(
        entrypoint=[PYTHON, "-c"],
        command=[LISTEN % lines],
        name=name,
        network=FRONT,
        mounts=mounts,
        labels=LABELS,
        stop_signal="SIGKILL",
        **options,
    )
    if second:
        client.networks.get(BACK).connect(container)
    container.start()


def names() -> list[str]:
    return [f"scratch-{defect}" for defect in DEFECTS]


@pytest.fixture
def shop(client: docker.DockerClient) -> Iterator[None]:
    """A stack of one kind of healthy service, an internal network, and a container with every bad habit."""
    standin.ensure(client, [IMAGE, OTHER_IMAGE, TOOLBOX], print)
    pools = {FRONT: "10.231.78.0/24", BACK: "10.231.79.0/24"}
    for name, subnet in pools.items():
        ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
        client.networks.create(name, ipam=ipam, internal=name == BACK, labels=LABELS)
    try:
        for name in names():
            ports = {"7000/tcp": ("127.0.0.1", 17911)} if name == "scratch-everywhere" else {}
            start(client, name, {"ports": ports})
        client.networks.get(BACK).connect("scratch-image")
        client.containers.run(
            TOOLBOX,
            ["httpd", "-f", "-p", "7000"],
            name="scratch-careless",
            network=FRONT,
            ports={"7000/tcp": 17912},
            labels=LABELS,
            detach=True,
        )
        yield
    finally:
        for container in client.containers.list(all=True, filters={"label": f"com.docker.compose.project={PROJECT}"}):
            container.remove(force=True)
        for name in pools:
            client.networks.get(name).remove()


def red(run: Run, folder: Path) -> tuple[dict[str, set[str]], int, str]:
    """Run the suite by the file in `folder`; returns the red cells of each service, the exit code and the output."""
    junit = folder / "junit.xml"
    code, output = run("--lucid-host=local", f"--lucid-matrix={folder / 'lucid.toml'}", f"--junitxml={junit}", SUITE)
    found: dict[str, set[str]] = {}
    for case in ET.parse(junit).iter("testcase"):  # noqa: S314 - our own file
        if case.find("failure") is not None or case.find("error") is not None:
            check = next(str(p.get("value")) for p in case.iter("property") if p.get("name") == "lucid.check")
            found.setdefault(str(case.get("name")).partition("[")[2].rstrip("]"), set()).add(check)
    return found, code, output


@pytest.mark.usefixtures("shop")
def test_init_is_green_without_an_edit_and_finds_what_is_done_later(
    client: docker.DockerClient, run: Run, tmp_path: Path
) -> None:
    await_health(client)
    output = tmp_path / "lucid.toml"
    init = [sys.executable, "-m", "pytest_lucid", "init", "--running", f"--project={PROJECT}", f"--output={output}"]
    subprocess.run(init, check=True, cwd=ROOT)
    text = output.read_text()
    found, code, said = red(run, tmp_path)
    assert (found, code) == ({}, 0), f"{text}\n{said}"
    for waived in ("CTR-USER", "CTR-READONLY", "CTR-LIMITS", "CTR-BOUND", "CTR-HEALTHY"):
        assert f'check = "{waived}"\nservice = "scratch-careless"' in text

    for name, (_, changes, lines) in zip(names(), DEFECTS.values(), strict=True):
        client.containers.get(name).remove(force=True)
        ports = {"7000/tcp": ("127.0.0.1", 17911)} if name == "scratch-everywhere" else {}
        start(client, name, {"ports": ports, **changes}, lines)
    client.networks.get(BACK).connect("scratch-image")
    await_health(client)
    found, _, said = red(run, tmp_path)
    missed = {
        name: check
        for name, (check, _, _) in zip(names(), DEFECTS.values(), strict=True)
        if check not in found.get(name, set())
    }
    assert not missed, said
    assert not found.get("scratch-careless"), said


def await_health(client: docker.DockerClient) -> None:
    """Wait, within a bound, until the engine has judged the health of every container."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    for name in names():
        container = client.containers.get(name)
        while container.attrs["State"].get("Health", {}).get("Status") == "starting":
            assert time.monotonic() < deadline
            time.sleep(0.1)
            container.reload()
