"""Containers with one defect each, which run side by side as the services of one matrix."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from docker.types import Mount

from pytest_lucid.engine.asking import together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import docker
    from docker.models.containers import Container

IMAGE = "gcr.io/distroless/python3-debian12:nonroot"
NAME = "lucid-scratch-proof"
LABELS = {"lucid.scratch": "sidecar"}
MATRIX = f"""
extends = "platform"
phase = 2
base = "{IMAGE}"
user = "65532:65532"
labels = []
network = {{ name = "{NAME}", subnet = "10.231.78.0/24" }}
consul = {{ container = "{NAME}-consul", image = "none", port = 8500 }}
"""
SERVICE = """
[[service]]
name = "{name}"
without = ["environment"]
environment = {{ LOG_LEVEL = "INFO" }}
image = "{name}"
dockerfile = "{name}/Dockerfile"
cluster = "none"
ports = [{{ number = {port} }}]
storage = ["/data"]
"""
PROGRAM = """
import os, signal, socket
port = int(os.environ["PORT"])
kept = [socket.create_server(("0.0.0.0", port))]
%s
signal.pause()
"""
HEALTHY: dict[str, Any] = {
    "user": "65532:65532",
    "environment": {"LOG_LEVEL": "INFO"},
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
    "an extra port": ({}, 'kept.append(socket.create_server(("0.0.0.0", 9002)))', {"RUN-LISTEN"}),
    "an extra port of IPv6": (
        {},
        'kept.append(socket.create_server(("::", 9002), family=socket.AF_INET6))',
        {"RUN-LISTEN"},
    ),
    "an extra port of UDP": (
        {},
        'kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)); kept[-1].bind(("0.0.0.0", 9002))',
        {"RUN-LISTEN"},
    ),
    "no port": ({}, "kept.pop().close()", {"RUN-LISTEN", "RUN-LOOPBACK"}),
    "loopback only": (
        {},
        'kept.pop().close(); kept.append(socket.create_server(("127.0.0.1", port)))',
        {"RUN-LOOPBACK"},
    ),
    "writable root": ({"read_only": False}, "", {"RUN-WRITABLE"}),
    "writable code": ({"extra_mount": "/app"}, "", {"RUN-CODE", "RUN-WRITABLE"}),
    "an extra volume": ({"extra_mount": "/cache"}, "", {"RUN-WRITABLE"}),
    "storage for all": ({}, 'os.umask(0); os.mkdir("/data/all", 0o777)', {"RUN-STORAGE"}),
    "no storage": ({"storage": False}, "", {"RUN-STORAGE"}),
    "drift": ({"read_only": False}, 'open("/home/nonroot/new", "w").close()', {"RUN-DRIFT", "RUN-WRITABLE"}),
    "a missing variable": ({"environment": {}}, "", {"RUN-ENV"}),
    "a word of TRON": (
        {"environment": {**HEALTHY["environment"], "TRON_NODE": "x"}},
        "",
        {"RUN-TRON"},
    ),
    "a name that lies": ({"extra_hosts": {f"{NAME}-1": "10.231.78.250"}}, "", {"RUN-DNS"}),
    "another network": ({"second_network": True}, "", {"RUN-NETWORKS"}),
    "the engine's socket": ({"engine_socket": True}, "", {"RUN-ENGINE-SOCKET"}),
    "the host's memory": ({"ipc_mode": "host"}, "", {"RUN-NAMESPACES"}),
}


PORTS = dict(zip(MUTATIONS, range(7001, 9001), strict=False))
"""Which port each mutant listens on: ports of a matrix differ."""


def name_of(mutation: str) -> str:
    """The container of a mutant."""
    return f"{NAME}-{list(MUTATIONS).index(mutation)}"


def matrix_of(mutations: Iterable[str]) -> str:
    """A matrix whose services are the mutants."""
    return MATRIX + "".join(SERVICE.format(name=name_of(mutation), port=PORTS[mutation]) for mutation in mutations)


@contextmanager
def deployed(client: docker.DockerClient, networks: tuple[str, str], mutations: Iterable[str]) -> Iterator[None]:
    """Run the mutants while the block lasts."""
    with ExitStack() as cleanup:
        together([partial(_deploy, client, networks, mutation, cleanup) for mutation in mutations])
        yield


def _deploy(client: docker.DockerClient, networks: tuple[str, str], mutation: str, cleanup: ExitStack) -> None:
    changes, lines, _ = MUTATIONS[mutation]
    name = name_of(mutation)
    options = {**HEALTHY, **changes}
    options["environment"] = {**options["environment"], "SERVICE_NAME": name, "PORT": str(PORTS[mutation])}
    volumes = _volumes(client, name, cleanup)
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
        name=name,
        network=networks[0],
        mounts=mounts,
        labels=LABELS,
        stop_signal="SIGKILL",
        healthcheck={"test": probe, "interval": 1_000_000_000} if probe else None,
        sysctls={"net.ipv6.conf.all.disable_ipv6": "0"},
        **options,
    )
    cleanup.callback(container.remove, force=True)
    if second:
        client.networks.get(networks[1]).connect(container)
    container.start()
    _await_port(container, PORTS[mutation], closed="pop" in lines)


def _volumes(client: docker.DockerClient, name: str, cleanup: ExitStack) -> tuple[str, str]:
    """Two empty volumes that belong to the service."""
    made = [client.volumes.create(f"{name}-{number}", labels=LABELS) for number in (1, 2)]
    for volume in made:
        cleanup.callback(volume.remove, force=True)
    client.containers.run(
        IMAGE,
        entrypoint=["/usr/bin/python3", "-c"],
        command=["import os; os.chown('/1', 65532, 65532); os.chown('/2', 65532, 65532)"],
        user="0:0",
        mounts=[Mount(f"/{number}", volume.name, "volume") for number, volume in enumerate(made, 1)],
        labels=LABELS,
        remove=True,
    )
    return made[0].name, made[1].name


def _await_port(container: Container, port: int, *, closed: bool) -> None:
    ready = f"import sys; sys.exit(':{port:04X}' not in open('/proc/net/tcp').read())"
    while True:
        container.reload()
        assert container.status == "running", container.logs()
        if closed or not container.exec_run(["/usr/bin/python3", "-c", ready]).exit_code:
            return
        time.sleep(0.02)
