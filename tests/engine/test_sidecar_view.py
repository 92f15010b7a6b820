"""What a sidecar sees is the container: process, namespaces, users, children; an error says what it cannot see."""

from __future__ import annotations

import os
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from scene import await_ready, start

from pytest_lucid import standin
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import EngineError, MissingError
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import TOOLBOX, Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker
    from docker.models.containers import Container

    from pytest_lucid.engine.connection import Engine

pytestmark = pytest.mark.engine
IMAGE = "gcr.io/distroless/python3-debian12:nonroot"
NAME = "lucid-scratch-view"
PYTHON = "/usr/bin/python3.11"
READY = "import os, socket, sys, time\n{}\nopen('/tmp/ready', 'w').close()\ntime.sleep(1000)"


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return connect()


@pytest.fixture
def box(client: docker.DockerClient) -> Iterator[Callable[..., Container]]:
    """Start a container that runs some lines of Python first; options go to the engine."""
    standin.ensure(client, [IMAGE, TOOLBOX], print)
    made: list[Container] = []

    def box(lines: str = "", name: str = NAME, **options: Any) -> Container:
        made.append(start(client, IMAGE, name, [PYTHON, "-c", READY.format(lines)], **options))
        await_ready(made[-1])
        return made[-1]

    yield box
    for container in reversed(made):
        container.remove(force=True, v=True)


@pytest.fixture
def inside(engine: Engine) -> Iterator[Callable[..., Any]]:
    """A testinfra Host inside a container, with the deadline of its session in seconds."""
    sessions: list[Session] = []

    def inside(name: str = NAME, deadline: float = 20) -> Any:
        sessions.append(Session(Sidecar(engine, name, Run.new()), deadline))
        return host_through(sessions[-1])

    yield inside
    for session in sessions:
        session.close()
        session.sidecar.remove()


def told(client: docker.DockerClient) -> list[list[str]]:
    """The process table as the engine's machine has it."""
    rows: list[list[str]] = client.api.top(NAME, "-o pid,ppid,stat,args")["Processes"]
    return rows


def test_questions_about_the_process_are_about_the_first_one(
    box: Callable[..., Container], inside: Callable[..., Any]
) -> None:
    box("os.umask(0o027)", working_dir="/etc", group_add=["7"])
    host = inside()
    assert host.check_output("pwd") == "/etc"
    assert host.check_output("umask") == "0027"
    assert host.check_output("id").startswith("uid=65532(nonroot) gid=65532(nonroot) groups=65532(nonroot),7")
    assert sorted(host.check_output("id -G").split()) == ["65532", "7"]
    assert host.check_output("groups").split()[0] == "nonroot"
    assert host.run("ulimit -n").rc == 126
    status = host.file("/proc/self/status")
    assert status.contains("^Name:.python3.11")
    assert status.contains("^CapEff:.0000000000000000")
    assert host.file("/proc/self/limits").exists
    assert "python3.11" in host.check_output("readlink /proc/self/exe")


@pytest.mark.parametrize("asked", ["cat /proc/mounts", "grep -c . /etc/mtab", "cat /proc/self/mountinfo", "mount"])
def test_mounts_are_those_of_the_container(
    box: Callable[..., Container], inside: Callable[..., Any], asked: str
) -> None:
    box()
    host = inside()
    assert host.file("/proc/mounts").contains("^tmpfs /tmp tmpfs")
    assert host.check_output(asked) not in {"", "0"}
    assert "/run" not in host.check_output("mount | grep -v /run/secrets").split()
    assert host.run("df").rc == 126


def test_private_namespaces_are_an_error_and_shared_ones_are_joined(
    box: Callable[..., Container], inside: Callable[..., Any]
) -> None:
    box(ipc_mode="private")
    with pytest.raises(EngineError, match="--ipc shareable"):
        inside().sysctl("kernel.msgmax")
    box(name=f"{NAME}-2", ipc_mode="shareable", sysctls={"kernel.msgmax": "5432"})
    assert inside(f"{NAME}-2").sysctl("kernel.msgmax") == 5432
    assert inside().check_output("hostname") == inside().environment()["HOSTNAME"]


@pytest.mark.parametrize("mode", ["container", "host"])
def test_another_containers_processes_are_an_error(
    box: Callable[..., Container], inside: Callable[..., Any], mode: str
) -> None:
    other = box()
    box(name=f"{NAME}-2", pid_mode="host" if mode == "host" else f"container:{other.name}")
    with pytest.raises(EngineError, match="without --pid"):
        inside(f"{NAME}-2").run("true")


ZOMBIE = "if os.fork() == 0: os._exit(0)\ntime.sleep(0.1)"


def test_zombies_and_children_are_seen(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    box(f"{ZOMBIE}\nif os.fork() == 0: time.sleep(1000)")
    processes = inside().process.filter()
    assert sorted(process.stat[0] for process in processes) == ["S", "S", "Z"]
    (zombie,) = (process for process in processes if process.stat[0] == "Z")
    assert (zombie.ppid, zombie.args) == (1, "[python3.11] <defunct>")


@pytest.mark.parametrize("options", [{}, {"cap_add": ["SYS_PTRACE", "SYS_CHROOT", "DAC_READ_SEARCH"]}])
def test_a_container_with_a_sidecars_capabilities_is_seen(
    box: Callable[..., Container], inside: Callable[..., Any], options: dict[str, Any]
) -> None:
    box("if os.fork() == 0: time.sleep(1000)", **options)
    inside().run("true")
    assert len(inside().process.filter()) == 2


RUNAWAYS = [
    "sleep 60 & echo",
    "(setsid sleep 60 &)",
    "setsid sh -c 'setsid sleep 60 & sleep 60 &'",
    "(sleep 60 & sleep 60) & true",
    "nohup sleep 60 >/dev/null 2>&1 &",
    "sh -c 'trap \"\" TERM HUP; sleep 60 & sleep 60 &'",
]


def test_nothing_is_left_after_a_thousand_commands_with_children(
    box: Callable[..., Container], inside: Callable[..., Any], client: docker.DockerClient
) -> None:
    box()
    before = told(client)
    host = inside()
    for number in range(1000):
        assert host.run(RUNAWAYS[number % len(RUNAWAYS)]).stderr == ""
    assert len(host.process.filter()) == 1
    host.backend.session.close()
    host.backend.session.sidecar.remove()
    assert told(client) == before


def test_what_a_command_started_cannot_write_into_the_next_answer(
    box: Callable[..., Container], inside: Callable[..., Any]
) -> None:
    box()
    host = inside()
    for _ in range(50):
        assert host.run("(while :; do echo noise; done) & echo first").stdout.replace("noise\n", "") == "first\n"
        assert host.run("echo second").stdout == "second\n"


def test_a_hanging_command_leaves_nothing(
    box: Callable[..., Container], inside: Callable[..., Any], client: docker.DockerClient
) -> None:
    box()
    before = told(client)
    host = inside(deadline=1)
    with pytest.raises(EngineError, match="did not end within 1 s"):
        host.run("setsid sleep 60 & (sleep 60 & sleep 60) & sleep 60")
    assert host.run("echo fine").stdout == "fine\n"
    host.backend.session.close()
    host.backend.session.sidecar.remove()
    assert told(client) == before


def test_a_full_limit_of_processes_is_an_error(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    box()
    host = inside()
    with pytest.raises(EngineError, match=r"could start no process|ended the session"):
        host.run("while :; do sleep 60 & done")
    assert host.file("/usr/bin/python3").is_executable


def test_a_command_that_ends_its_session_runs_once(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    box()
    host = inside()
    with pytest.raises(EngineError, match="ended the session"):
        host.run("echo once; kill -9 $$")
    assert host.run("echo fine").stdout == "fine\n"


def test_the_deadline_counts_while_others_run(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    box()
    host = inside(deadline=2)
    host.run("true")
    busy = threading.Thread(target=lambda: host.run("sleep 1.5"))
    busy.start()
    time.sleep(0.2)
    started = time.monotonic()
    with pytest.raises(EngineError, match=r"did not end within 2 s|was not started"):
        host.run("sleep 1.5")
    assert time.monotonic() - started < 3
    busy.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_a_session_of_its_own(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    box()
    host = inside()
    host.run("true")
    child = os.fork()
    if child == 0:
        answers = {host.run(f"echo child {number}").stdout == f"child {number}\n" for number in range(50)}
        os._exit(answers != {True})
    assert all(host.run(f"echo parent {number}").stdout == f"parent {number}\n" for number in range(50))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


OVERWRITE = """
import ctypes
libc = ctypes.CDLL(None)
start = int(open("/proc/self/stat").read().rpartition(")")[2].split()[47])
end = int(open("/proc/self/stat").read().rpartition(")")[2].split()[48])
ctypes.memset(start, 0, end - start)
"""


def test_variables_that_were_overwritten_are_the_containers(
    box: Callable[..., Container], inside: Callable[..., Any]
) -> None:
    box(OVERWRITE)
    host = inside()
    assert host.environment()["SCENE"] == "one two"
    assert "overwrote its environment" in host.run("env").stderr
    assert host.exists("python3")


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
        ('host.package("libc6:amd64").is_installed', True),
        ('host.package("libc6:riscv64").is_installed', False),
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
        ('host.interface("lo").link[0]["flags"]', ["LOOPBACK", "UP", "LOWER_UP"]),
        ('host.run("ip -j addr").rc', 126),
        ('host.run("ps aux").rc', 126),
    ],
)
def test_answers_that_were_wrong_are_right(shared: Any, ask: str, answer: Any) -> None:
    found = eval(ask, {"host": shared})  # noqa: S307 - the expressions above
    assert (sorted(found) if ask.endswith("listdir()") else found) == answer


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ("host.sudo().__enter__()", "cannot become another user"),
        ('host.socket("udp://0.0.0.0:7002").is_listening', "takes IPv4 cannot be seen"),
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
    standin.ensure(client, [IMAGE, TOOLBOX], print)
    name = f"{NAME}-shared"
    container = start(
        client, IMAGE, name, [PYTHON, "-c", READY.format(LINES)], extra_hosts=["box:2001:db8::1", "box:127.0.0.1"]
    )
    await_ready(container)
    session = Session(Sidecar(engine, name, Run.new()))
    yield host_through(session)
    session.close()
    session.sidecar.remove()
    container.remove(force=True, v=True)


def test_an_interpreter_behind_an_init_is_found(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    venv = """
site = "/tmp/venv/lib/python3.11/site-packages/some_thing-1.2.dist-info"
os.makedirs(site); os.makedirs("/tmp/venv/bin")
open("/tmp/venv/pyvenv.cfg", "w").write("home = /usr/bin\\ninclude-system-site-packages = false\\n")
open(site + "/METADATA", "w").write("Metadata-Version: 2.1\\nName: Some.Thing\\nVersion: 1.2\\n\\nName: no\\n")
os.symlink("/usr/bin/python3.11", "/tmp/venv/bin/python")
if os.fork() == 0: os.execv("/tmp/venv/bin/python", ["python", "-c", "import time; time.sleep(1000)"])
"""
    box(venv, init=True, environment={"PATH": "/tmp/venv/bin:/usr/bin"})
    host = inside()
    assert host.pip("some-thing", pip_path="/tmp/venv/bin/pip").version == "1.2"
    assert host.pip.get_packages(pip_path="/tmp/venv/bin/pip") == {"Some.Thing": {"version": "1.2"}}
    assert not host.pip("other").is_installed


def test_a_paused_target_answers(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    container = box()
    container.pause()
    try:
        assert inside().file("/etc/passwd").exists
    finally:
        container.unpause()


def test_a_target_that_ended_says_so(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    container = box()
    host = inside()
    host.run("true")
    container.kill()
    container.wait()
    with pytest.raises(MissingError, match=re.escape(f"{NAME} is exited")):
        host.run("true")


def test_the_sidecar_has_limits(
    box: Callable[..., Container], inside: Callable[..., Any], client: docker.DockerClient
) -> None:
    box(mem_limit="64m")
    host = inside()
    host.run("true")
    limits = client.api.inspect_container(host.backend.session.sidecar.name)["HostConfig"]
    assert (limits["Memory"], limits["PidsLimit"]) == (64 * 1024 * 1024, 64)
    assert host.run("head -c 200000000 /dev/zero").rc == 0
