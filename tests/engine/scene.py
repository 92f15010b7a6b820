"""Two containers in which the same happens: a distroless one with everything taken away, and an ordinary Debian one.

Both run one program of ours; so testinfra's own backend and the sidecar can be asked the same.
"""

from __future__ import annotations

import io
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docker.errors import ImageNotFound
from docker.types import IPAMConfig, IPAMPool

from pytest_lucid import standin
from pytest_lucid.sidecar.sidecar import TOOLBOX

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker
    from docker.models.containers import Container

LABELS = {"lucid.scratch": "sidecar"}
DISTROLESS = "gcr.io/distroless/python3-debian12:nonroot"
DEBIAN = "debian:12-slim"
# A container that a test makes for itself.
BOX = "lucid-scratch-box"
READY = "import os, socket, sys, time\n{}\nopen('/tmp/ready', 'w').close()\ntime.sleep(1000)"
# What testinfra's modules need on the other side of its own backend.
TOOLS = "lucid-scratch-sidecar-debian:latest"
DOCKERFILE = f"""
FROM {DEBIAN}
RUN apt-get update && apt-get install --yes --no-install-recommends iproute2 netcat-openbsd procps
RUN groupadd --gid 65532 nonroot && useradd --uid 65532 --gid 65532 --home-dir /home/nonroot --shell /sbin/nologin \
    --comment nonroot nonroot
LABEL lucid.scratch=sidecar
"""
# A file, a link, a directory, a pipe; sockets of every kind; one connection; ready when /tmp/ready is there, and
# answering at 7003 from then on, as services do.
PROGRAM = r"""
import os, socket
os.makedirs("/tmp/scene/directory")
with open("/tmp/scene/file", "w") as file:
    file.write("caf\u00e9\n")
os.chmod("/tmp/scene/file", 0o640)
os.utime("/tmp/scene/file", (1700000000, 1700000000))
open("/tmp/scene/program", "w").close()
os.chmod("/tmp/scene/program", 0o755)
os.symlink("file", "/tmp/scene/link")
os.mkfifo("/tmp/scene/pipe")
def listen(family, kind, address, only=None):
    it = socket.socket(family, kind)
    if only is not None:
        it.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
    it.bind(address)
    kind == socket.SOCK_STREAM and it.listen()
    return it
four, six, stream, datagram = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
kept = [
    listen(four, stream, ("0.0.0.0", 7001)),
    listen(six, stream, ("::", 7002), 1),
    listen(six, stream, ("::", 7003), 0),
    listen(four, stream, ("127.0.0.1", 7004)),
    listen(six, stream, ("::1", 7005)),
    listen(four, datagram, ("0.0.0.0", 7006)),
    listen(six, datagram, ("::", 7007), 0),
    listen(six, datagram, ("::", 7008), 1),
    listen(socket.AF_UNIX, stream, "/tmp/scene/socket"),
]
kept.append(socket.create_connection(("127.0.0.1", 7004)))
kept.append(kept[3].accept())
open("/tmp/ready", "w").close()
while True:
    kept[2].accept()[0].close()
"""


@dataclass(frozen=True)
class Scene:
    """The names of the two containers."""

    distroless: str
    debian: str


@contextmanager
def playing(client: docker.DockerClient, prepare: str = "") -> Iterator[Scene]:
    """Have both containers running, on a network of their own; everything is removed afterwards.

    Their program runs `prepare` first.
    """
    standin.ensure(client, [DISTROLESS, DEBIAN, TOOLBOX], print)
    try:
        client.images.get(TOOLS)
    except ImageNotFound:
        client.images.build(fileobj=io.BytesIO(DOCKERFILE.encode()), tag=TOOLS, rm=True, forcerm=True)
    # A subnet of its own: what the engine would choose may be that of the matrix.
    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet="10.231.77.0/24")])
    network = client.networks.create("lucid-scratch-sidecar", ipam=ipam, labels=LABELS)
    made: list[Container] = []
    try:
        for image, interpreter, name in (
            (DISTROLESS, "/usr/bin/python3.11", "lucid-scratch-distroless"),
            (TOOLS, "/usr/bin/python3", "lucid-scratch-debian"),
        ):
            made.append(start(client, image, name, [interpreter, "-c", prepare + PROGRAM], network=network.name))
        for container in made:
            await_ready(container)
        yield Scene(*(str(container.name) for container in made))
    finally:
        for container in made:
            container.remove(force=True, v=True)
        network.remove()


def keeping(lines: str) -> list[str]:
    """The command that runs some lines of Python, says that it is ready, and stays."""
    return ["/usr/bin/python3.11", "-c", READY.format(lines)]


def start(client: docker.DockerClient, image: str, name: str, command: list[str], **options: Any) -> Container:
    """Start a container with as little as can be: read-only, without capabilities or ways to gain any."""
    defaults = {
        "user": "65532:65532",
        "environment": {"SCENE": "one two", "LANG": "C.UTF-8"},
        "working_dir": "/",
        "read_only": True,
        "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev"},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "sysctls": {"net.ipv6.conf.all.disable_ipv6": "0"},
        "labels": LABELS,
        "stop_signal": "SIGKILL",
    }
    container: Container = client.containers.run(
        image, entrypoint=command[:1], command=command[1:], name=name, detach=True, **{**defaults, **options}
    )
    return container


def await_ready(container: Container) -> None:
    """Wait until the program has made everything."""
    deadline = time.monotonic() + 20
    script = "import os, sys; sys.exit(not os.path.exists('/tmp/ready'))"
    while container.exec_run(["/usr/bin/python3", "-c", script]).exit_code:
        container.reload()
        assert container.status == "running", container.logs().decode()
        assert time.monotonic() < deadline
        time.sleep(0.05)
