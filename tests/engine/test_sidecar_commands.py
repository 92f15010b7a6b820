"""What a command starts ends with it, and what ends a command is told."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from scene import BOX

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker
    from docker.models.containers import Container

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


def answer(client: docker.DockerClient) -> list[list[str]]:
    """The process table as the engine's machine has it."""
    rows: list[list[str]] = client.api.top(BOX, "-o pid,ppid,stat,args")["Processes"]
    return rows


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
    before = answer(client)
    host = inside()
    for number in range(1000):
        assert host.run(RUNAWAYS[number % len(RUNAWAYS)]).stderr == ""
    assert len(host.process.filter()) == 1
    host.backend.session.close()
    host.backend.session.sidecar.remove()
    assert answer(client) == before


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
    before = answer(client)
    host = inside(deadline=1)
    with pytest.raises(EngineError, match="did not end within 1 s"):
        host.run("setsid sleep 60 & (sleep 60 & sleep 60) & sleep 60")
    assert host.run("echo fine").stdout == "fine\n"
    host.backend.session.close()
    host.backend.session.sidecar.remove()
    assert answer(client) == before


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
