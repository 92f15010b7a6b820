"""The session over the connection to an engine whose execs are a shell of this machine."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from local_engine import LocalEngine, container, reached

from pytest_lucid.engine.run import Run
from pytest_lucid.errors import EngineError, MissingError
from pytest_lucid.sidecar.pipe import connected
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import TOOLBOX, Sidecar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("sh"), reason="an engine at a Unix socket, with a POSIX shell"
)


@pytest.fixture
def local() -> LocalEngine:
    return LocalEngine({"box": container("box")})


@pytest.fixture
def session(local: LocalEngine, tmp_path: Path) -> Iterator[Session]:
    with reached(local, tmp_path) as engine:
        session = Session(Sidecar(engine, "box", Run.new()))
        yield session
        session.close()


def test_outputs_and_code_are_those_of_the_command(session: Session) -> None:
    result = session.run("echo out; echo err >&2; exit 3")
    assert (result.code, result.stdout, result.stderr) == (3, b"out\n", b"err\n")
    assert session.run("printf 'a\\0b\\036c'").stdout == b"a\0b\x1ec"
    assert session.run("true").code == 0


def test_commands_share_one_shell_and_cannot_change_it(session: Session, local: LocalEngine) -> None:
    results = session.run_all(["echo $$", "cd /; HOME=x; set -f; exit 7", "echo $$", "cat"])
    assert [result.code for result in results] == [0, 7, 0, 0]
    assert results[0] == results[2]
    assert len(local.shells) == 1
    assert session.run("pwd; echo $HOME").stdout.split()[1:] != [b"x"]


@pytest.mark.parametrize("command", ["cat <<END\nnever ended", "echo 'open", "if true; then", "(", "a() { b"])
def test_a_command_that_is_not_complete_swallows_nothing(session: Session, command: str) -> None:
    incomplete, following = session.run_all([command, "echo after"])
    assert (following.code, following.stdout) == (0, b"after\n")
    assert incomplete.code or command.startswith("cat")


def test_large_outputs_arrive_whole(session: Session) -> None:
    result = session.run("head -c 3000000 /dev/zero; head -c 1000000 /dev/zero >&2")
    assert (len(result.stdout), len(result.stderr)) == (3_000_000, 1_000_000)


def test_a_command_that_does_not_end_is_killed_and_the_next_one_answers(local: LocalEngine, tmp_path: Path) -> None:
    with reached(local, tmp_path) as engine:
        session = Session(Sidecar(engine, "box", Run.new()), deadline=3)
        with pytest.raises(EngineError, match=r"'echo \$PPID; sleep 1000' inside box did not end within 3 s"):
            session.run("echo $PPID; sleep 1000")
        ending = local.execs[-1]
        assert (ending[:3], ending[-2:]) == (["/bin/busybox", "sh", "-c"], ["end", str(local.shells[0].pid)])
        assert session.run("echo well").stdout == b"well\n"
        assert len(local.shells) == 2
        session.close()


def test_a_command_that_ends_the_session_is_named(session: Session) -> None:
    with pytest.raises(EngineError, match=r"'kill -9 \$\$' ended the session inside box .*Let the command not end"):
        session.run("kill -9 $$")
    assert session.run("echo well").stdout == b"well\n"


def test_a_sidecar_that_is_gone_is_made_again(session: Session, local: LocalEngine) -> None:
    session.run("true")
    del local.containers[session.sidecar.name]
    local.end_shells()
    assert session.run("echo well").stdout == b"well\n"
    assert len(local.shells) == 2


def test_a_connection_goes_through_a_new_sidecar_where_the_first_is_gone(session: Session, local: LocalEngine) -> None:
    session.run("true")
    del local.containers[session.sidecar.name]
    local.end_shells()
    with connected(session, 8500):
        assert local.execs[-1][:2] == ["/bin/busybox", "nc"]
    assert local.requests["POST /containers/create"] == 2


def test_no_connection_to_what_has_ended(session: Session, local: LocalEngine) -> None:
    session.run("true")
    del local.containers[session.sidecar.name]
    local.containers["box"]["State"].update(Running=False, Status="exited")
    local.end_shells()
    with pytest.raises(MissingError, match="box is exited; expected it to run"), connected(session, 8500):
        pass


def test_a_target_that_ended_meanwhile_is_the_error(session: Session, local: LocalEngine) -> None:
    session.run("true")
    del local.containers[session.sidecar.name]
    local.containers["box"]["State"].update(Running=False, Status="exited", OOMKilled=True)
    local.end_shells()
    with pytest.raises(MissingError, match="box is exited since it ran out of memory; expected it to run"):
        session.run("echo well")


@pytest.mark.parametrize(
    ("complaint", "remedy"),
    [
        ("sh: can't fork", "expected free processes"),
        ("chroot: Permission denied", "look for a security profile"),
        ("exec: /bin/busybox: not found", f"expected a static busybox in {TOOLBOX}"),
    ],
)
def test_a_session_that_does_not_open_says_why(
    session: Session, local: LocalEngine, complaint: str, remedy: str
) -> None:
    local.complaint = complaint
    with pytest.raises(EngineError) as caught:
        session.run("true")
    assert f"no session could be opened inside box ({complaint})" in str(caught.value)
    assert remedy in str(caught.value)


def test_variables_are_those_of_the_configuration_where_the_process_overwrote_its_own(
    session: Session, local: LocalEngine
) -> None:
    local.variables = "garbage"
    local.containers["box"]["Config"]["Env"] = ["WHERE=in a box"]
    assert session.run('echo "$WHERE"').stdout == b"in a box\n"
    assert session.is_environment_overwritten


def test_variables_of_the_process_count_where_it_has_them(session: Session, local: LocalEngine) -> None:
    local.variables = "WHERE PATH"
    local.containers["box"]["Config"]["Env"] = ["WHERE=in a box"]
    assert session.run('echo "$WHERE"').stdout == b"\n"
    assert not session.is_environment_overwritten


def test_the_directory_is_the_containers(session: Session, local: LocalEngine, tmp_path: Path) -> None:
    local.containers["box"]["Config"]["WorkingDir"] = str(tmp_path)
    assert session.run("pwd -P").stdout.decode().strip() == os.path.realpath(tmp_path)
