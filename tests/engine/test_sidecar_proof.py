"""Each runtime check fails where its claim is false, and nowhere else; where a probe breaks, it is an error.

All mutants run side by side, each as a service of its own, so that one run of the suite judges them all.
"""

from __future__ import annotations

import subprocess
import time
import xml.etree.ElementTree as ET
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from docker.types import IPAMConfig, IPAMPool, Mount
from runs import DEADLINE_SECONDS, ROOT, run_command, run_environment

from pytest_lucid import standin
from pytest_lucid.engine.asking import together
from pytest_lucid.sidecar.sidecar import TOOLBOX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import docker
    from docker.models.containers import Container

    Verdicts = tuple[str, dict[str, set[str]], dict[str, set[str]]]
    Check = Callable[..., Verdicts]

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


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Check mutants that run; returns the output and, by mutation, the failed checks and those in error."""
    folder = tmp_path_factory.mktemp("proof")

    def check(mutations: Iterable[str], *arguments: str, path: Path = folder) -> Verdicts:
        matrix, junit = folder / "matrix.toml", folder / "junit.xml"
        names = {name_of(mutation): mutation for mutation in mutations}
        rows = [SERVICE.format(name=name, port=PORTS[mutation]) for name, mutation in names.items()]
        matrix.write_text(MATRIX + "".join(rows))
        command = run_command(
            "--lucid-host=local", f"--lucid-matrix={matrix}", f"--junitxml={junit}", SUITE, *arguments
        )
        environment = {**run_environment(), "PYTHONPATH": str(path)}
        output = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=DEADLINE_SECONDS,
        ).stdout
        assert junit.exists(), output
        kinds: dict[str, dict[str, set[str]]] = {
            kind: {m: set() for m in names.values()} for kind in ("failure", "error")
        }
        judged = set()
        for case in ET.parse(junit).getroot().iter("testcase"):  # noqa: S314 - our own file
            ids = [p.get("value", "") for p in case.iter("property") if p.get("name") == "lucid.check"]
            judged.update(ids)
            # A check of the whole stack has no name of a service; none of these is to fail.
            name = case.get("name", "").partition("[")[2].removesuffix("]")
            for child in case:
                if child.tag in kinds:
                    kinds[child.tag][names[name]].update(ids)
        assert len([check for check in judged if check.startswith("RUN-")]) >= 15, output
        return output, kinds["failure"], kinds["error"]

    return check


@pytest.fixture
def healthy(client: docker.DockerClient, networks: tuple[str, str]) -> Iterator[None]:
    """One healthy service."""
    with deployed(client, networks, ["healthy"]):
        yield


@pytest.fixture(scope="module")
def judged(
    client: docker.DockerClient,
    networks: tuple[str, str],
    check: Check,
) -> Verdicts:
    """What one run says of all mutants."""
    with deployed(client, networks, MUTATIONS):
        return check(MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_exactly_the_intended_checks_fail(judged: Verdicts, mutation: str) -> None:
    output, failed, errors = judged
    assert failed[mutation] == MUTATIONS[mutation][2], output
    assert not errors[mutation], output


@pytest.mark.parametrize(
    ("toolbox", "message"),
    [("127.0.0.1:9/nothing:1", "is not on the engine"), (IMAGE, "busybox")],
    ids=["none", "not a toolbox"],
)
def test_without_a_toolbox_every_cell_is_an_error(
    healthy: None, check: Check, tmp_path: Path, toolbox: str, message: str
) -> None:
    del healthy
    (tmp_path / "toolbox.py").write_text(
        "from pytest_lucid.target.sidecar_pool import SidecarPool\n"
        f"SidecarPool.__init__.__defaults__ = ({toolbox!r},)\n"
    )
    output, failed, errors = check(["healthy"], "-p", "toolbox", path=tmp_path)
    assert message in output
    assert not failed["healthy"], output
    assert errors["healthy"] >= set().union(*(ids for _, _, ids in MUTATIONS.values())) - {"RUN-DRIFT"}, output


def test_a_stopped_container_is_an_error_in_every_cell(
    client: docker.DockerClient, healthy: None, check: Check
) -> None:
    del healthy
    client.containers.get(name_of("healthy")).kill()
    output, failed, errors = check(["healthy"])
    assert f"{name_of('healthy')} is exited; expected it to run" in output
    red = failed["healthy"] | errors["healthy"]
    assert red >= set().union(*(ids for _, _, ids in MUTATIONS.values())) - {"RUN-DRIFT"}, output
