"""Targets, engines and toolboxes of every kind: the sidecar sees what is there, or says what it cannot see."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import APIError, ImageNotFound
from scene import BOX, DEBIAN, DISTROLESS, await_ready, keeping, playing, start
from second_engine import second_engine
from stock_testinfra import QUESTIONS

from pytest_lucid.engine.run import Run
from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker
    from docker.models.containers import Container

    from pytest_lucid.engine.connection import Engine

pytestmark = pytest.mark.engine
CHILD = "if os.fork() == 0: time.sleep(1000)"
SYSTEMD = "lucid-scratch-systemd:latest"
WITH_SYSTEMD = f"""
FROM {DEBIAN}
RUN apt-get update && apt-get install --yes --no-install-recommends systemd cron
LABEL lucid.scratch=sidecar
"""
# A toolbox of the next Debian: another busybox than the usual one.
NEWER = "lucid-scratch-toolbox:trixie"
WITH_NEWER = f"""
FROM {DEBIAN} AS fetched
RUN sed -i s/bookworm/trixie/g /etc/apt/sources.list /etc/apt/sources.list.d/*; apt-get update && cd /tmp && \
    apt-get download busybox-static && dpkg-deb -x busybox-static*.deb /out && mkdir -p /root/new/bin && \
    cp /out/usr/bin/busybox /root/new/bin/ && chroot /root/new /bin/busybox --install -s /bin
FROM scratch
COPY --from=fetched /root/new/ /
LABEL lucid.scratch=sidecar
"""


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


def have(client: docker.DockerClient, image: str, dockerfile: str) -> None:
    try:
        client.images.get(image)
    except ImageNotFound:
        client.images.build(
            fileobj=io.BytesIO(dockerfile.encode()), tag=image, network_mode="host", rm=True, forcerm=True
        )


def commands(host: Any) -> list[tuple[int, str]]:
    return sorted((process.pid, process.comm) for process in host.process.filter())


@pytest.mark.parametrize(
    "options",
    [
        {"privileged": True, "cap_drop": [], "security_opt": []},
        {"security_opt": ["apparmor=unconfined"]},
        {"security_opt": ["seccomp=unconfined"]},
        {"userns_mode": "host"},
        {"user": "0:0", "cap_drop": [], "read_only": False},
        {"network_mode": "none", "ipc_mode": "none"},
        {"init": True},
    ],
    ids=str,
)
def test_containers_with_other_rights_are_seen(
    box: Callable[..., Container], inside: Callable[..., Any], options: dict[str, Any]
) -> None:
    try:
        box(CHILD, **options)
    except APIError as error:
        pytest.skip(f"this engine refuses such a container: {error.explanation}")
    host = inside()
    assert [name for _, name in commands(host) if name != "docker-init"] == ["python3.11", "python3.11"]
    assert host.user().uid == (0 if options.get("user") == "0:0" else 65532)
    assert host.file("/etc/passwd").user == "root"
    assert host.file("/proc/self/status").contains("^CapEff")


def test_a_container_under_systemd_is_seen_with_all_its_groups_of_processes(
    client: docker.DockerClient, inside: Callable[..., Any]
) -> None:
    have(client, SYSTEMD, WITH_SYSTEMD)
    container = start(
        client, SYSTEMD, BOX, ["/lib/systemd/systemd"], user="0:0", read_only=False, cap_drop=[], cap_add=["SYS_ADMIN"],
        security_opt=["seccomp=unconfined"], tmpfs={"/run": "", "/run/lock": "", "/tmp": ""},
        volumes=["/sys/fs/cgroup:/sys/fs/cgroup:ro"],
    )  # fmt: skip
    try:
        host = inside()
        deadline = time.monotonic() + 60
        while "cron" not in (names := {name for _, name in commands(host)}):
            container.reload()
            if container.status != "running":
                pytest.skip("systemd does not start in a container of this engine")
            assert time.monotonic() < deadline, names
            time.sleep(0.5)
        assert {"systemd", "cron"} <= names
        with pytest.raises(EngineError, match=r"ask host\.process"):
            _ = host.service("cron").is_running
    finally:
        container.remove(force=True, v=True)


@pytest.mark.parametrize("kind", ["user namespaces", "rootless", "cgroup v2"])
def test_containers_of_another_kind_of_engine_are_seen(client: docker.DockerClient, kind: str) -> None:
    with second_engine(kind, client) as engine:
        container = start(engine.client, DISTROLESS, BOX, keeping(CHILD), network_mode="none")
        await_ready(container)
        session = Session(Sidecar(engine, BOX, Run.new()))
        host: Any = host_through(session)
        try:
            assert [name for _, name in commands(host)] == ["python3.11", "python3.11"]
            assert host.user().uid == 65532
            assert host.file("/etc/passwd").user == "root"
            if kind == "cgroup v2":
                with pytest.raises(EngineError, match="cgroup namespace"):
                    host.run("cat /proc/self/cgroup")
        finally:
            session.close()
            session.sidecar.remove()
            container.remove(force=True, v=True)


def test_a_newer_toolbox_answers_alike(client: docker.DockerClient, engine: Engine) -> None:
    have(client, NEWER, WITH_NEWER)
    with playing(client) as scene:
        session = Session(Sidecar(engine, scene.distroless, Run.new(), NEWER))
        try:
            host = host_through(session)
            said = {question.ask: question.put(host) for question in QUESTIONS}
        finally:
            session.close()
            session.sidecar.remove()
    assert said == {question.ask: question.answer for question in QUESTIONS}
