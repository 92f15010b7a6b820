"""The session in a sidecar: output, ends, hanging commands, deaths; and that the target does not notice."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from scene import PROGRAM, await_ready, start

from pytest_lucid import standin
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import EngineError, MissingError
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import CAPABILITIES, TOOLBOX, Sidecar
from pytest_lucid.stack.teardown import tear_down
from pytest_lucid.target.sidecar_pool import SidecarPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker
    from docker.models.containers import Container

    from pytest_lucid.engine.connection import Engine

pytestmark = pytest.mark.engine
NAME = "lucid-scratch-session"
IMAGE = "gcr.io/distroless/python3-debian12:nonroot"


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return connect()


@pytest.fixture(scope="module")
def target(client: docker.DockerClient) -> Iterator[Container]:
    """A distroless container with a read-only root, no capabilities, and no way to gain privileges."""
    standin.ensure(client, [IMAGE, TOOLBOX], print)
    container = start(client, IMAGE, NAME, ["/usr/bin/python3.11", "-c", PROGRAM])
    await_ready(container)
    yield container
    container.remove(force=True, v=True)


@pytest.fixture
def sidecar(engine: Engine, target: Container) -> Iterator[Sidecar]:
    sidecar = Sidecar(engine, str(target.name), Run.new())
    yield sidecar
    sidecar.remove()


@pytest.fixture
def session(sidecar: Sidecar) -> Iterator[Session]:
    session = Session(sidecar, deadline=3)
    yield session
    session.close()


def seen(client: docker.DockerClient, target: Container) -> dict[str, Any]:
    """Everything that the engine can tell of the target: its changes, processes, mounts, and how it was started."""
    document = client.api.inspect_container(NAME)
    return {
        "diff": client.api.diff(NAME),
        "processes": client.api.top(NAME, "-o pid,ppid,args")["Processes"],
        "mounts": document["Mounts"],
        "state": document["State"],
        "host": document["HostConfig"],
        "files": target.exec_run(["/usr/bin/python3", "-c", LOOK]).output,
    }


LOOK = """
import os
print(open("/proc/1/mountinfo").read())
for folder, folders, files in os.walk("/"):
    if folder == "/":
        folders[:] = sorted(set(folders) - {"proc", "sys"})
    print(folder, sorted(folders), sorted(files))
"""


def test_outputs_and_exit_codes_are_apart(session: Session) -> None:
    result = session.run("echo out; echo err >&2; exit 3")
    assert (result.code, result.stdout, result.stderr) == (3, b"out\n", b"err\n")


def test_output_may_be_any_bytes(session: Session) -> None:
    script = 'i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %03o $i)"; i=$((i + 1)); done'
    assert session.run(script).stdout == bytes(range(256))


def test_a_hundred_megabytes_on_each_output(session: Session) -> None:
    session = Session(session.sidecar, deadline=60)
    result = session.run("head -c 104857600 /dev/urandom | tee /dev/stderr | sha256sum; yes | head -c 104857600")
    session.close()
    assert len(result.stderr) == 104857600
    assert result.stdout.partition(b" ")[0].decode() == hashlib.sha256(result.stderr).hexdigest()
    assert result.stdout.endswith(b"y\ny\n")
    assert len(result.stdout) == 104857600 + 64 + 4


SILENT_FAILURES = [
    "cat -- /nowhere",
    "ls -1 -q -- /nowhere",
    "readlink -x",
    "realpath /no/where",
    "stat -Lc %U /nowhere",
]


@pytest.mark.parametrize("command", SILENT_FAILURES)
def test_what_succeeds_without_a_word_fails_with_one(session: Session, command: str) -> None:
    for _ in range(3):
        result = session.run(command)
        assert result.code != 0
        assert (result.stdout, bool(result.stderr)) == (b"", True)
        assert session.run("test -d /") == session.run("test -e /tmp")


def test_commands_sent_together_have_their_own_answers(session: Session) -> None:
    commands = [
        "cat /etc/passwd",
        "cat /nonexistent",
        "echo out; echo err >&2; exit 3",
        "ls /nonexistent /etc",
        "head -c 300000 /dev/zero",
        "readlink /proc/1/exe",
        ":",
    ]
    assert session.run_all(commands) == [session.run(command) for command in commands]
    assert session.run_all([]) == []


def test_a_directory_is_listed_as_busybox_lists_it(session: Session) -> None:
    session.run("mkdir -p /tmp/listed/empty; cd /tmp/listed; touch .hidden 'a b' '*' é; ln -s nowhere dangling")
    for path in ("/tmp/listed", "/tmp/listed/empty", "/tmp/listed/dangling", "/", "/proc/1/task"):
        assert session.run(f"ls -1 -q -- {path}").stdout == session.run(f"/proc/self/fd/9/busybox ls -1 {path}").stdout
    session.run("rm -r /tmp/listed")


@pytest.mark.parametrize("command", ["echo 'open", "(", "}", "if", "$(", "echo $((", "case x in", "cat <<E"])
def test_nonsense_is_refused_and_the_session_stays(session: Session, command: str) -> None:
    assert session.run(command).code in {0, 1, 2}
    assert session.run("echo fine").stdout == b"fine\n"


@pytest.mark.parametrize(
    "command", ["cd /etc", "exit 1", "exec 1>&-", "set -e; false", "unalias -a", "PATH=", "trap '' EXIT"]
)
def test_no_command_changes_the_next(session: Session, command: str) -> None:
    session.run(command)
    assert session.run("pwd; ls / | head -n 1").stdout.startswith(b"/\n")
    assert session.run("id -nu").stdout == b"nonroot\n"


def test_a_command_gets_no_input(session: Session) -> None:
    assert session.run("cat").stdout == b""
    assert session.run("read -r line; echo $?").stdout == b"1\n"


def test_arguments_of_any_kind_arrive(session: Session) -> None:
    assert session.run("printf %s 'a b'\\''c\nd'").stdout == b"a b'c\nd"
    assert session.run(f"printf %s {'x' * 100_000}").stdout == b"x" * 100_000


@pytest.mark.parametrize(
    "command", ["sleep 100", "sleep 100; echo", "while :; do sleep 1; done", "sleep 99 | sleep 99"]
)
def test_a_command_that_hangs_is_killed_at_the_deadline(
    session: Session, client: docker.DockerClient, command: str
) -> None:
    processes = client.api.top(NAME, "-o pid")["Processes"]
    started = time.monotonic()
    with pytest.raises(EngineError, match=r"did not end within 3 s and was killed"):
        session.run(command)
    assert time.monotonic() - started < 6
    assert b"sleep" not in session.run("cat /proc/[0-9]*/comm").stdout
    assert session.run("echo fine").stdout == b"fine\n"
    assert client.api.top(NAME, "-o pid")["Processes"] == processes


def test_a_dead_session_is_opened_once_more(session: Session, client: docker.DockerClient) -> None:
    session.run(":")
    client.api.remove_container(session.sidecar.name, force=True)
    assert session.run("echo again").stdout == b"again\n"
    client.api.kill(session.sidecar.name)
    assert session.run("echo again").stdout == b"again\n"


def test_a_command_that_kills_its_session_is_an_error(session: Session) -> None:
    with pytest.raises(EngineError, match=r"'kill -9 \$\$' ended the session"):
        session.run("kill -9 $$")
    assert session.run("echo fine").stdout == b"fine\n"


def test_a_restarted_target_is_looked_into_anew(session: Session, target: Container) -> None:
    session.run(":")
    target.restart(timeout=0)
    assert session.run("cat /proc/1/comm").stdout.startswith(b"python")
    await_ready(target)


def test_a_stopped_target_is_missing(session: Session, target: Container) -> None:
    target.stop(timeout=0)
    with pytest.raises(MissingError, match=r"lucid-scratch-session is exited; expected it to run"):
        session.run(":")
    target.start()
    await_ready(target)


def test_an_absent_target_is_missing(engine: Engine) -> None:
    with pytest.raises(MissingError, match="there is no container called lucid-scratch-nobody"):
        Session(Sidecar(engine, "lucid-scratch-nobody", Run.new())).run(":")


@pytest.mark.usefixtures("target")
def test_without_a_toolbox_nothing_passes(engine: Engine) -> None:
    with pytest.raises(EngineError, match=r"No such image|not found|no such image"):
        Session(Sidecar(engine, NAME, Run.new(), toolbox="lucid-scratch-nothing:1")).run(":")
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:9/nothing:1 is not on the engine"):
        SidecarPool(engine, Run.new(), [NAME], toolbox="127.0.0.1:9/nothing:1").session(NAME)


@pytest.mark.usefixtures("target")
def test_an_image_without_a_static_busybox_is_no_toolbox(engine: Engine) -> None:
    sidecar = Sidecar(engine, NAME, Run.new(), toolbox=IMAGE)
    with pytest.raises(EngineError, match="busybox"):
        Session(sidecar).run(":")
    sidecar.remove()


@pytest.mark.usefixtures("target")
def test_processes_of_a_run_share_the_sidecar(engine: Engine, client: docker.DockerClient) -> None:
    run = Run.new()
    many = [SidecarPool(engine, Run(run.id, run.owner), [NAME]) for _ in range(4)]
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda t=t: answers.append(t.session(NAME).run("echo one").stdout)) for t in many
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"one\n"] * 4
    assert len(client.containers.list(filters={"label": f"lucid.run={run.id}"})) == 1
    for sidecars in many:
        sidecars.close()
    tear_down(engine, run.id)
    assert not client.containers.list(all=True, filters={"label": f"lucid.run={run.id}"})


def test_the_sidecar_may_read_and_nothing_else(session: Session, client: docker.DockerClient) -> None:
    session.run(":")
    host = client.api.inspect_container(session.sidecar.name)["HostConfig"]
    assert (host["CapDrop"], set(host["CapAdd"])) == (["ALL"], set(CAPABILITIES))
    assert host["ReadonlyRootfs"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert not host["Privileged"]
    for path in ("/", "/tmp/scene", "/home/nonroot"):
        assert session.run(f"touch {path}/written").code != 0


def test_the_target_is_left_as_it_was(session: Session, client: docker.DockerClient, target: Container) -> None:
    before = seen(client, target)
    for command in (
        "ls -R / >/dev/null",
        "ps -Aww -o comm:50,lstart,args",
        "ss --numeric",
        "getent ahosts x",
        "env -0",
    ):
        session.run(command)
    during = seen(client, target)
    session.close()
    session.sidecar.remove()
    after = seen(client, target)
    assert before == during == after
    assert not before["diff"]


def test_a_forgotten_sidecar_removes_itself(session: Session, client: docker.DockerClient, target: Container) -> None:
    session.run(":")
    session.close()
    deadline = time.monotonic() + 60
    while client.containers.list(all=True, filters={"name": session.sidecar.name}):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    target.reload()
    assert target.status == "running"
