"""What a sidecar sees is the container: its processes, namespaces, mounts, users and variables."""

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
    from collections.abc import Callable, Iterator

    import docker
    from docker.models.containers import Container

    from pytest_lucid.engine.connection import Engine

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def target(client: docker.DockerClient, engine: Engine) -> Iterator[Any]:
    """One container for many questions."""
    standin.ensure(client, [DISTROLESS, TOOLBOX], print)
    name = f"{BOX}-view"
    container = start(client, DISTROLESS, name, keeping(""))
    await_ready(container)
    session = Session(Sidecar(engine, name, Run.new()))
    yield host_through(session)
    session.close()
    session.sidecar.remove()
    container.remove(force=True, v=True)


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


@pytest.mark.parametrize(
    "asked",
    [
        "cd /proc; cat self/status",
        "cd /proc && ls",
        "cd / && cd proc; cat thread-self/status",
        "ls /proc",
        "ls -l /proc/",
        "ls -d /proc/[0-9]*",
        "cat /proc/$$/status",
        "find /proc -maxdepth 1",
        "find / -maxdepth 0 -exec id -u ';'",
        "find / -maxdepth 0 -exec sh -c 'id -u' ';'",
        "sh -ec 'cd /proc; cat self/status'",
        "exec id -u",
        "command id -u",
        "env A=b id -u",
        "nice id -u",
        "echo -u | xargs id",
        "echo 'id -u' | sh",
        "busybox find /proc",
        "busybox nice id -u",
        "ls -R /",
        "cd /; ls -lR",
        "cd /; grep -r root",
        "grep -rl root /proc",
        "du /",
        "find / -delete",
        "find -L / -maxdepth 1",
        "timeout 5 find / -maxdepth 2",
        "pidof busybox",
        "busybox pidof busybox",
        "killall -0 busybox",
        "awk 'BEGIN { system(\"id -u\") }'",
        "awk 'BEGIN { \"id -u\" | getline x; print x }'",
        "awk 'BEGIN { print 1 | \"id -u\" }'",
        "busybox awk 'BEGIN { c = \"id -u\"; print 1 | c }'",
        "awk -f /tmp/ready",
        "set",
        "export -p; echo",
        "[[ -w /etc/passwd ]]",
        "[ -e /etc/passwd -a -w /etc/passwd ] || echo no",
    ],
)
def test_the_sidecars_own_processes_are_refused(target: Any, asked: str) -> None:
    answer = target.run(asked)
    assert (answer.rc, answer.stdout) == (126, "")
    assert "; ask " in answer.stderr


@pytest.mark.parametrize(
    ("asked", "printed"),
    [
        ("sh -ec 'id -u'", "65532"),
        ("sh -e -c 'id -u; false; echo no' || true", "65532"),
        ("sh -euc 'echo $1 $(id -u)' name a", "a 65532"),
        ("cat /proc//self/comm", "python3.11"),
        ("cd /proc/self && cat comm", "python3.11"),
        ("find /etc/passwd -exec cat {} + | grep -c ^root:", "1"),
        ("timeout 5 echo a", "a"),
        ("timeout 5 sh -c 'cat /proc/self/comm'", "python3.11"),
        ("busybox timeout 5 echo a", "a"),
        ("echo id | sh -c 'cat'", "id"),
        ("find / -maxdepth 2 -name '[0-9]*'", "/proc/1"),
        ("cd /; find -maxdepth 2 -name '[0-9]*'", "./proc/1"),
        ("find / -maxdepth 3 -name comm -exec cat {} +", "python3.11"),
        ("find / -maxdepth 3 -name comm -o -path /etc/passwd | sort", "/etc/passwd\n/proc/1/comm"),
        ("find / -maxdepth 2 ! -path '*[a-z]/*' -name 'proc'", "/proc"),
        ("find /proc/1 -maxdepth 1 -name comm", "/proc/1/comm"),
        ("find / -xdev -maxdepth 2 -name passwd -type f", "/etc/passwd"),
        ("awk -F: '$1 == \"root\" || $3 == 65532 { print $1 }' /etc/passwd", "root\nnonroot"),
        ("awk '/^root|^nonroot/ { print $1 }' FS=: /etc/passwd", "root\nnonroot"),
        ("[ -w /etc/passwd ] || echo no", "no"),
        ("[ ! -w /etc/passwd ] && [ -r /etc/passwd ] && echo yes", "yes"),
        ("if test ! -w /etc/passwd; then echo no; fi", "no"),
        ("[ -w = -w ] && [ a -a b ] && [[ -e /tmp && a = a ]] && echo yes", "yes"),
        ("[ -w /tmp ] && [ -x /usr/bin/python3 ] && echo yes", "yes"),
        ("echo $PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("sh -c 'echo ${PATH}'", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("printenv SCENE", "one two"),
        ("printenv NONE || echo none", "none"),
        ("ls /dev/fd", "0\n1\n2"),
        ("test -L /etc/mtab && test -L /proc/self && readlink /dev/fd", "/proc/self/fd"),
        ("du -s /etc/passwd | cut -f 2", "/etc/passwd"),
        ("grep -rl ^nonroot: /etc/passwd", "/etc/passwd"),
    ],
)
def test_other_ways_to_ask_are_about_the_first_process(target: Any, asked: str, printed: str) -> None:
    assert target.check_output(asked) == printed


def test_a_program_of_the_container_has_the_sidecars_rights(target: Any) -> None:
    # As docs/testinfra.md says: the sidecar cannot become another user.
    assert target.check_output("python3 -c 'import os; print(os.getuid())'") == "0"


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
    box(name=f"{BOX}-2", ipc_mode="shareable", sysctls={"kernel.msgmax": "5432"})
    assert inside(f"{BOX}-2").sysctl("kernel.msgmax") == 5432
    assert inside().check_output("hostname") == inside().environment()["HOSTNAME"]


@pytest.mark.parametrize("mode", ["container", "host"])
def test_another_containers_processes_are_an_error(
    box: Callable[..., Container], inside: Callable[..., Any], mode: str
) -> None:
    other = box()
    box(name=f"{BOX}-2", pid_mode="host" if mode == "host" else f"container:{other.name}")
    with pytest.raises(EngineError, match="without --pid"):
        inside(f"{BOX}-2").run("true")


@pytest.mark.parametrize(
    ("capabilities", "may"),
    [([], "r"), (["DAC_OVERRIDE"], "r w"), (["DAC_READ_SEARCH"], "r")],
    ids=["none", "override", "read"],
)
def test_permissions_of_root_are_those_of_its_capabilities(
    box: Callable[..., Container], inside: Callable[..., Any], capabilities: list[str], may: str
) -> None:
    made = "open('/tmp/foreign', 'w').close(); os.chmod('/tmp/foreign', 0o444)"
    box(made, user="0:0", cap_add=capabilities)
    host = inside()
    asked = "for bit in r w x; do [ -$bit /tmp/foreign ] && echo $bit; done; true"
    assert host.check_output(asked).split() == may.split()


def test_processes_that_look_like_a_sidecars_are_not_left_out_of_a_search(
    box: Callable[..., Container], inside: Callable[..., Any]
) -> None:
    box(cap_add=["SYS_PTRACE", "SYS_CHROOT", "DAC_READ_SEARCH"])
    host = inside()
    assert host.run("find / -maxdepth 2 -name '[0-9]*'").rc == 126
    assert host.check_output("find / -xdev -maxdepth 1 -name etc") == "/etc"
