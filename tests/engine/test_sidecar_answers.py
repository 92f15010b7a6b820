"""Answers that were wrong without an error: right now, or an error that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scene import BOX, DISTROLESS, await_ready, keeping, start

from pytest_lucid import standin
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import TOOLBOX, Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from pytest_lucid.engine.connection import Engine

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        ('host.addr("127.1").ip_addresses', ["127.0.0.1"]),
        ('host.addr("LOCALHOST").is_resolvable', True),
        ('host.addr("999.999.999.999").is_resolvable', False),
        ('host.addr("box").ip_addresses', ["2001:db8::1", "127.0.0.1"]),
        ('host.addr("box").port(7001).is_reachable', True),
        ('host.addr("box").port(7009).is_reachable', False),
        ('host.socket("udp://:::7002").is_listening', True),
        ('host.socket("udp://0.0.0.0:7002").is_listening', True),
        ('host.socket("udp://127.0.0.1:7002").is_listening', True),
        (
            '[each for each in host.socket.get_listening_sockets() if "7002" in each]',
            ["udp://:::7002", "udp://0.0.0.0:7002"],
        ),
        ('host.package("libc6:amd64").is_installed', True),
        ('host.package("libc6:riscv64").is_installed', False),
        ('host.package("libc6").is_installed', True),
        ('host.package("libc").is_installed', False),
        ('host.user("65532").name', "65532"),
        ('host.user("65532").exists', True),
        ('host.user("").exists', False),
        ('host.group("").exists', False),
        (r'host.user("dom\\user").exists', False),
        (r'host.group("dom\\user").exists', False),
        ('host.file("/tmp/text").contains("^caf.$")', True),
        ('host.file("/tmp/text").contains("^c.f.$")', True),
        ('host.file("/tmp/names").listdir()', ["?", "a?b", "plain", "é"]),
        ("host.process.get(pid=1).stat", "Ss"),
        ('host.process.filter(pid="1", user="root")', []),
        ("host.process.filter(pid=4194303)", []),
        ('host.process.filter(pid=int(host.check_output("echo $$")))', []),
        ('host.interface("lo").link[0]["flags"]', ["LOOPBACK", "UP", "LOWER_UP"]),
        ('host.run("ip -j addr").rc', 126),
        ('host.run("ip -d link").rc', 126),
        ('host.run("busybox ps").rc', 126),
        ('host.run("busybox df").rc', 126),
        ('host.run("busybox id -u").stdout', "65532\n"),
        ("host.run(\"sh -c 'id -u; exit 3' x\").stdout", "65532\n"),
        ("host.run(\"sh -ec 'false; echo no' || echo ended\").stdout", "ended\n"),
        ("host.run(\"sh -c 'exit 3'; echo $?\").stdout", "3\n"),
        ("host.run(\"sh -c 'echo $0 $1 $#' name a b\").stdout.split()[1:]", ["a", "2"]),
        ('[name for name in host.file("/proc").listdir() if name.isdigit()]', ["1"]),
        ('host.run("ps aux").rc', 126),
    ],
)
def test_answers_that_were_wrong_are_right(shared: Any, ask: str, answer: Any) -> None:
    found = eval(ask, {"host": shared})  # noqa: S307 - the expressions above
    assert (sorted(found) if ask.endswith('names").listdir()') else found) == answer


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ("host.sudo().__enter__()", "cannot become another user"),
        ('host.addr("localhost", "ns1").is_resolvable', "another network namespace"),
        ('host.interface("eth9").link', "has no interface 'eth9'"),
        ('host.interface("eth0").routes()[0]["protocol"]', "protocol of a route"),
        ("host.pip.get_outdated_packages()", "runs nothing of the container"),
        ("host.pip.check()", "runs nothing of the container"),
        ('host.file("/tmp/na\\0me").exists', "NUL"),
        ('host.file("/nowhere").listdir()', "/nowhere"),
        ('host.process.filter(nonsense="1")', "column 'nonsense'"),
        ('host.run("cat /proc/1/cgroup")', "cgroupns|^$"),
    ],
)
def test_what_cannot_be_answered_is_an_error(shared: Any, ask: str, message: str) -> None:
    if "cgroup" in ask and shared.backend.session.sidecar.placement.sees_cgroup:
        pytest.skip("the engine shares its cgroup namespace by default")
    with pytest.raises(EngineError, match=message):
        eval(ask, {"host": shared})  # noqa: S307 - the expressions above


LINES = r"""
kept = [socket.create_server(("127.0.0.1", 7001))]
kept.append(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
kept[1].bind(("::", 7002))
open("/tmp/text", "w", encoding="utf-8").write("caf\u00e9\n")
os.mkdir("/tmp/names")
for name in (b"plain", b"\xc3\xa9", b"\xff", b"a\nb", b".hidden"):
    open(b"/tmp/names/" + name, "w").close()
"""


@pytest.fixture(scope="module")
def shared(client: docker.DockerClient, engine: Engine) -> Iterator[Any]:
    """One container for many questions."""
    standin.ensure(client, [DISTROLESS, TOOLBOX], print)
    name = f"{BOX}-shared"
    container = start(client, DISTROLESS, name, keeping(LINES), extra_hosts=["box:2001:db8::1", "box:127.0.0.1"])
    await_ready(container)
    session = Session(Sidecar(engine, name, Run.new()))
    yield host_through(session)
    session.close()
    session.sidecar.remove()
    container.remove(force=True, v=True)
