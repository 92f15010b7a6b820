"""Each runtime check fails where its claim is false, and nowhere else; where a probe breaks, it is an error."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from docker.types import IPAMConfig, IPAMPool, Mount
from runs import ROOT

from pytest_lucid import standin
from pytest_lucid.sidecar.sidecar import TOOLBOX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    Run = Callable[..., tuple[int, str]]

pytestmark = pytest.mark.engine
IMAGE = "gcr.io/distroless/python3-debian12:nonroot"
NAME = "lucid-scratch-proof"
LABELS = {"lucid.scratch": "sidecar"}
SUITE = str(ROOT / "tests" / "infra" / "test_runtime.py")
MATRIX = f"""
extends = "platform"
phase = 2
base = "{IMAGE}"
user = "65532:65532"
labels = []
network = {{ name = "{NAME}", subnet = "10.231.78.0/24" }}
consul = {{ container = "{NAME}-consul", image = "none", port = 8500 }}
[[service]]
name = "{NAME}"
without = ["environment"]
environment = {{ LOG_LEVEL = "INFO" }}
image = "none"
dockerfile = "Dockerfile"
cluster = "none"
ports = [{{ number = 7001 }}]
storage = ["/data"]
"""
PROGRAM = """
import os, signal, socket, sys
kept = [socket.create_server(("0.0.0.0", 7001))]
%s
signal.pause()
"""
HEALTHY: dict[str, Any] = {
    "user": "65532:65532",
    "environment": {"SERVICE_NAME": NAME, "PORT": "7001", "LOG_LEVEL": "INFO"},
    "read_only": True,
    "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev"},
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
}
MUTATIONS: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "healthy": ({}, "", set()),
    "healthy, with a probe running": ({"healthcheck": ["CMD", "/usr/bin/python3", "-c", "input()"]}, "", set()),
    "another user": ({"user": "65532:0"}, "", {"RUN-USER"}),
    "capabilities": (
        {"user": "0:0", "cap_drop": [], "read_only": True},
        "",
        {"RUN-USER", "RUN-CAPS"},
    ),
    "new privileges": ({"security_opt": []}, "", {"RUN-NNP"}),
    "no filter": ({"security_opt": ["no-new-privileges", "seccomp=unconfined"]}, "", {"RUN-SECCOMP"}),
    "a second process": ({}, "os.fork()", {"RUN-PROCESSES"}),
    "an extra port": ({}, 'kept.append(socket.create_server(("0.0.0.0", 7002)))', {"RUN-LISTEN"}),
    "an extra port of IPv6": (
        {},
        'kept.append(socket.create_server(("::", 7002), family=socket.AF_INET6))',
        {"RUN-LISTEN"},
    ),
    "an extra port of UDP": (
        {},
        'kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)); kept[-1].bind(("0.0.0.0", 7002))',
        {"RUN-LISTEN"},
    ),
    "no port": ({}, "kept.pop().close()", {"RUN-LISTEN", "RUN-LOOPBACK"}),
    "loopback only": (
        {},
        'kept.pop().close(); kept.append(socket.create_server(("127.0.0.1", 7001)))',
        {"RUN-LOOPBACK"},
    ),
    "writable root": ({"read_only": False}, "", {"RUN-WRITABLE"}),
    "writable code": ({"extra_mount": "/app"}, "", {"RUN-CODE", "RUN-WRITABLE"}),
    "an extra volume": ({"extra_mount": "/cache"}, "", {"RUN-WRITABLE"}),
    "storage for all": ({}, 'os.umask(0); os.mkdir("/data/all", 0o777)', {"RUN-STORAGE"}),
    "no storage": ({"storage": False}, "", {"RUN-STORAGE"}),
    "drift": ({"read_only": False}, 'open("/home/nonroot/new", "w").close()', {"RUN-DRIFT", "RUN-WRITABLE"}),
    "a missing variable": ({"environment": {"SERVICE_NAME": NAME, "PORT": "7001"}}, "", {"RUN-ENV"}),
    "a word of TRON": (
        {"environment": {**HEALTHY["environment"], "TRON_NODE": "x"}},
        "",
        {"RUN-TRON"},
    ),
    "a name that lies": ({"extra_hosts": {NAME: "10.231.78.250"}}, "", {"RUN-DNS"}),
    "another network": ({"second_network": True}, "", {"RUN-NETWORKS"}),
    "the engine's socket": ({"engine_socket": True}, "", {"RUN-ENGINE-SOCKET"}),
    "the host's memory": ({"ipc_mode": "host"}, "", {"RUN-NAMESPACES"}),
}


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def networks(client: docker.DockerClient) -> Iterator[tuple[str, str]]:
    """The network of the matrix, and another one."""
    standin.ensure(client, [IMAGE, TOOLBOX], print)
    made = [
        client.networks.create(name, ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)]), labels=LABELS)
        for name, subnet in ((NAME, "10.231.78.0/24"), (f"{NAME}-other", "10.231.79.0/24"))
    ]
    yield NAME, f"{NAME}-other"
    for network in made:
        network.remove()


@pytest.fixture
def volumes(client: docker.DockerClient) -> Iterator[tuple[str, str]]:
    """Two empty volumes that belong to the service."""
    made = [client.volumes.create(f"{NAME}-{number}", labels=LABELS) for number in (1, 2)]
    client.containers.run(
        IMAGE,
        entrypoint=["/usr/bin/python3", "-c"],
        command=["import os; os.chown('/1', 65532, 65532); os.chown('/2', 65532, 65532)"],
        user="0:0",
        mounts=[Mount(f"/{number}", volume.name, "volume") for number, volume in enumerate(made, 1)],
        labels=LABELS,
        remove=True,
    )
    yield made[0].name, made[1].name
    for volume in made:
        volume.remove(force=True)


@pytest.fixture
def check(tmp_path: Path, run: Run) -> Callable[..., tuple[str, set[str], set[str]]]:
    """Check what runs; returns the output, the failed checks and those in error."""
    matrix = tmp_path / "matrix.toml"
    matrix.write_text(MATRIX)

    def check(*arguments: str) -> tuple[str, set[str], set[str]]:
        junit = tmp_path / "junit.xml"
        _, output = run("--lucid-host=local", f"--lucid-matrix={matrix}", f"--junitxml={junit}", SUITE, *arguments)
        cells: dict[str, set[str]] = {}
        for case in ET.parse(junit).getroot().iter("testcase"):  # noqa: S314 - our own file
            names = [p.get("value", "") for p in case.iter("property") if p.get("name") == "lucid.check"]
            cells.setdefault(names[0], set()).update(child.tag for child in case)
        assert len([name for name in cells if name.startswith("RUN-")]) >= 15, output
        failed, errors = ({name for name, tags in cells.items() if kind in tags} for kind in ("failure", "error"))
        return output, failed, errors

    return check


@pytest.fixture
def deploy(
    client: docker.DockerClient, networks: tuple[str, str], volumes: tuple[str, str]
) -> Iterator[Callable[..., None]]:
    """Start the service with some options changed, and with more lines in its program."""

    def deploy(changes: dict[str, Any], lines: str) -> None:
        options = {**HEALTHY, **changes}
        mounts = [Mount("/data", volumes[0], "volume")] if options.pop("storage", True) else []
        if place := options.pop("extra_mount", None):
            mounts.append(Mount(place, volumes[1], "volume"))
        if options.pop("engine_socket", False):
            mounts.append(Mount("/anything", "/var/run/docker.sock", "bind"))
        second = options.pop("second_network", False)
        probe = options.pop("healthcheck", None)
        container = client.containers.create(
            IMAGE,
            entrypoint=["/usr/bin/python3.11", "-c"],
            command=[PROGRAM % lines],
            name=NAME,
            network=networks[0],
            mounts=mounts,
            labels=LABELS,
            stop_signal="SIGKILL",
            healthcheck={"test": probe, "interval": 1_000_000_000} if probe else None,
            sysctls={"net.ipv6.conf.all.disable_ipv6": "0"},
            **options,
        )
        if second:
            client.networks.get(networks[1]).connect(container)
        container.start()
        container.reload()
        assert container.status == "running"
        ready = "import sys; sys.exit(':1B59' not in open('/proc/net/tcp').read())"
        if "pop" not in lines:
            while container.exec_run(["/usr/bin/python3", "-c", ready]).exit_code:
                time.sleep(0.02)
                container.reload()
                assert container.status == "running", container.logs()

    yield deploy
    client.containers.get(NAME).remove(force=True)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_exactly_the_intended_checks_fail(
    deploy: Callable[..., None], check: Callable[..., tuple[str, set[str], set[str]]], mutation: str
) -> None:
    changes, lines, intended = MUTATIONS[mutation]
    deploy(changes, lines)
    output, failed, errors = check()
    assert failed == intended, output
    assert not errors, output


@pytest.mark.parametrize(
    ("toolbox", "message"),
    [("127.0.0.1:9/nothing:1", "is not on the engine"), (IMAGE, "busybox")],
    ids=["none", "not a toolbox"],
)
def test_without_a_toolbox_every_cell_is_an_error(
    deploy: Callable[..., None],
    check: Callable[..., tuple[str, set[str], set[str]]],
    tmp_path: Path,
    toolbox: str,
    message: str,
) -> None:
    deploy({}, "")
    (tmp_path / "toolbox.py").write_text(
        "from pytest_lucid.target.sidecar_pool import SidecarPool\n"
        f"SidecarPool.__init__.__defaults__ = ({toolbox!r},)\n"
    )
    output, failed, errors = check("-p", "toolbox")
    assert message in output
    assert not failed, output
    assert errors >= set().union(*(ids for _, _, ids in MUTATIONS.values())) - {"RUN-DRIFT"}, output


def test_a_stopped_container_is_an_error_in_every_cell(
    client: docker.DockerClient,
    deploy: Callable[..., None],
    check: Callable[..., tuple[str, set[str], set[str]]],
) -> None:
    deploy({}, "")
    client.containers.get(NAME).kill()
    output, failed, errors = check()
    assert f"{NAME} is exited; expected it to run" in output
    assert failed | errors >= set().union(*(ids for _, _, ids in MUTATIONS.values())) - {"RUN-DRIFT"}, output
