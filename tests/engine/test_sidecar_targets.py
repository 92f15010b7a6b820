"""A sidecar beside targets of every kind: with its own capabilities, behind an init, paused, ended, out of memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from scene import BOX

from pytest_lucid.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker
    from docker.models.containers import Container


pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


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


def test_an_interpreter_behind_an_init_is_found(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    venv = """
site = "/tmp/venv/lib/python3.11/site-packages/some_thing-1.2.dist-info"
os.makedirs(site); os.makedirs("/tmp/venv/bin")
open("/tmp/venv/pyvenv.cfg", "w").write("home = /usr/bin\\ninclude-system-site-packages = false\\n")
open(site + "/METADATA", "w").write("Metadata-Version: 2.1\\nName: Some.Thing\\nVersion: 1.2\\n\\nName: no\\n")
os.symlink("/usr/bin/python3.11", "/tmp/venv/bin/python")
ready = "import time; open('/tmp/ready', 'w').close(); time.sleep(1000)"
os.execv("/tmp/venv/bin/python", ["python", "-c", ready])
"""
    box(venv, init=True, environment={"PATH": "/tmp/venv/bin:/usr/bin"})
    host = inside()
    assert host.pip("some-thing", pip_path="/tmp/venv/bin/pip").version == "1.2"
    assert host.pip.get_packages(pip_path="/tmp/venv/bin/pip") == {"Some.Thing": {"version": "1.2"}}
    assert not host.pip("other").is_installed
    assert host.pip("some-thing").version == "1.2"


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
    with pytest.raises(MissingError, match=re.escape(f"{BOX} is exited")):
        host.run("true")


def test_a_target_that_ran_out_of_memory_says_so(box: Callable[..., Container], inside: Callable[..., Any]) -> None:
    lines = "import signal; signal.signal(signal.SIGUSR1, lambda *_: bytearray(b'x') * 10**9)"
    container = box(lines, mem_limit="48m", memswap_limit="48m")
    host = inside()
    host.run("true")
    container.kill("SIGUSR1")
    container.wait(timeout=60)
    with pytest.raises(MissingError, match="ran out of memory"):
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
