"""`python -m pytest_lucid shell`: a shell at a terminal, in a container that has none, which leaves nothing."""

from __future__ import annotations

import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from scene import DISTROLESS, await_ready, start

from pytest_lucid import standin
from pytest_lucid.sidecar.sidecar import TOOLBOX

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pty = pytest.importorskip("pty", reason="needs terminals of Unix")
fcntl = pytest.importorskip("fcntl", reason="needs terminals of Unix")
termios = pytest.importorskip("termios", reason="needs terminals of Unix")
pytestmark = pytest.mark.engine
NAME = "lucid-scratch-shell"
WAIT_SECONDS = 60
PROGRAM = "import os, time\nos.umask(0o27)\nopen('/tmp/ready', 'w').close()\ntime.sleep(10000)"


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def target(client: docker.DockerClient) -> Iterator[str]:
    standin.ensure(client, [DISTROLESS, TOOLBOX], print)
    container = start(client, DISTROLESS, NAME, ["/usr/bin/python3.11", "-c", PROGRAM], working_dir="/tmp")
    await_ready(container)
    yield NAME
    container.remove(force=True, v=True)


class Person:
    """Somebody at a terminal of 33 × 101 who has started a shell in the container."""

    def __init__(self, container: str = NAME) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            command = [sys.executable, "-m", "pytest_lucid", "shell", container]
            os.execv(command[0], command)  # noqa: S606 - without a shell, as meant
        self.has_size(33, 101)
        self.seen = ""

    def has_size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def types(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def sees(self, pattern: str) -> str:
        """Wait for what matches the pattern, and return it; what came before is forgotten."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < deadline, self.seen
            if select.select([self.terminal], [], [], 0.5)[0]:
                self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
        self.seen = self.seen[found.end() :]
        return found[0]

    def ends(self) -> int:
        """Wait for the end, and return the exit code."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                os.close(self.terminal)
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, self.seen
            if select.select([self.terminal], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
                except OSError:
                    time.sleep(0.1)


def left(client: docker.DockerClient) -> list[str]:
    found = client.containers.list(all=True, filters={"label": "lucid.sidecar", "name": "lucid-scratch-shell"})
    return [str(each.name) for each in found]


def processes(client: docker.DockerClient) -> list[list[str]]:
    rows: list[list[str]] = client.api.top(NAME, "-o pid,ppid,stat,args")["Processes"]
    return rows


def test_a_person_works_in_a_container_without_a_shell(client: docker.DockerClient, target: str) -> None:
    before = processes(client)
    person = Person()
    person.sees(rf"{target}:/tmp[#$] ")
    person.types("id -un; ls /usr/bin/python3.11; umask\r")
    person.sees(r"\nnonroot\r\n/usr/bin/python3.11\r\n0027\r\n")
    person.types("grep CapEff /proc/$$/status; (true >/etc/x) || echo kept\r")
    person.sees(r"CapEff:\s+00000000000c0004")  # SYS_PTRACE, SYS_CHROOT, DAC_READ_SEARCH
    person.sees(r"\nkept\r\n")
    person.types("stty size\r")
    person.sees(r"\n33 101\r\n")
    person.has_size(44, 122)
    time.sleep(1)  # nothing tells that the size has arrived
    person.types("stty size\r")
    person.sees(r"\n44 122\r\n")
    person.types("sleep 1000 & setsid sleep 1000 &\r")
    person.types("sleep 1000; echo not $((1 + 1))\r")
    time.sleep(1)
    person.types("\x03")
    person.types("echo still $((40 + 2))\r")
    person.sees(r"\nstill 42\r\n")
    person.types("exit 7\r")
    assert person.ends() == 7
    assert "not 2" not in person.seen
    assert not left(client)
    assert processes(client) == before
    assert not client.containers.get(NAME).diff() or all("/tmp" in each["Path"] for each in client.api.diff(NAME))


def test_a_terminal_that_is_lost_leaves_nothing(client: docker.DockerClient, target: str) -> None:
    before = processes(client)
    person = Person()
    person.sees(rf"{target}:/tmp[#$] ")
    person.types("setsid sleep 1000 & sleep 1000\r")
    time.sleep(1)
    os.kill(person.pid, signal.SIGKILL)
    assert person.ends() == -signal.SIGKILL
    deadline = time.monotonic() + 2 * WAIT_SECONDS
    while left(client) and time.monotonic() < deadline:
        time.sleep(1)
    assert not left(client)
    assert processes(client) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([NAME], "a shell needs a terminal"),
        (["nowhere"], "a shell needs a terminal"),
    ],
)
def test_without_a_terminal_there_is_one_message(arguments: list[str], message: str) -> None:
    command = [sys.executable, "-m", "pytest_lucid", "shell", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_container_that_is_not_there_is_one_message(client: docker.DockerClient) -> None:
    person = Person("lucid-scratch-nowhere")
    person.sees("there is no container called lucid-scratch-nowhere")
    assert person.ends() == 4
    assert not left(client)
