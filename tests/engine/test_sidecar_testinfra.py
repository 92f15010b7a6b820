"""The same testinfra tests through the sidecar and through testinfra's own backend; and where that one is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scene import Scene, playing
from stock_testinfra import QUESTIONS

from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import sock_diag
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pytestmark = pytest.mark.engine
STOCK = Path(__file__).with_name("stock_testinfra.py")
THROUGH_THE_SIDECAR = """
import os
import pytest
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.sidecar.testinfra_backend import host_through
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar

@pytest.fixture(scope="module")
def host():
    session = Session(Sidecar(connect(), os.environ["TARGET"], Run.new()))
    yield host_through(session)
    session.close()
    session.sidecar.remove()
"""


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def scene(client: docker.DockerClient) -> Iterator[Scene]:
    with playing(client) as scene:
        yield scene


@pytest.fixture(scope="module")
def inside(scene: Scene) -> Iterator[Any]:
    # testinfra's own annotations say too little of what a Host has.
    session = Session(Sidecar(connect(), scene.distroless, Run.new()))
    yield host_through(session)
    session.close()
    session.sidecar.remove()


def run_stock(folder: Path, *arguments: str, **environment: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib", "-q", *arguments]
    done = subprocess.run(
        [*command, f"--rootdir={folder}", str(folder / "test_stock.py")],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout


def test_stock_tests_pass_on_an_ordinary_container_with_testinfras_own_backend(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "test_stock.py").write_text(STOCK.read_text("utf-8"), "utf-8")
    output = run_stock(tmp_path, f"--hosts=docker://{scene.debian}")
    assert f"{len(QUESTIONS)} passed" in output, output


def test_the_same_tests_pass_on_a_distroless_container_through_the_sidecar(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "test_stock.py").write_text(STOCK.read_text("utf-8"), "utf-8")
    (tmp_path / "conftest.py").write_text(THROUGH_THE_SIDECAR, "utf-8")
    output = run_stock(tmp_path, TARGET=scene.distroless)
    assert f"{len(QUESTIONS)} passed" in output, output


def test_testinfras_own_backend_fails_on_the_distroless_container(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "test_stock.py").write_text(STOCK.read_text("utf-8"), "utf-8")
    output = run_stock(tmp_path, f"--hosts=docker://{scene.distroless}", "-k", "mode or user or env or content")
    assert " failed" in output
    assert " passed" not in output, output


def test_testinfras_own_host_is_left_alone_in_other_trees(tmp_path: Path) -> None:
    (tmp_path / "test_stock.py").write_text("def test_it(host):\n    assert host.backend.NAME == 'local'\n", "utf-8")
    assert "1 passed" in run_stock(tmp_path)


@pytest.mark.parametrize(
    ("socket", "listens"),
    [
        ("tcp://127.0.0.1:7001", True),
        ("tcp://10.0.0.1:7001", True),
        ("tcp://0.0.0.0:7002", False),
        ("tcp://7002", False),
        ("tcp://127.0.0.1:7002", False),
        ("tcp://::1:7002", True),
        ("tcp://127.0.0.1:7003", True),
        ("tcp://::1:7003", True),
        ("tcp://:::7001", False),
        ("tcp://:::7005", False),
        ("tcp://7005", False),
        ("udp://127.0.0.1:7006", True),
        ("udp://:::7006", False),
        ("udp://0.0.0.0:7007", True),
        ("udp://127.0.0.1:7007", True),
        ("udp://:::7007", True),
        ("udp://7007", True),
        ("udp://0.0.0.0:7008", False),
        ("udp://:::7008", True),
        ("udp://7008", False),
        ("tcp://0.0.0.0:7006", False),
    ],
)
def test_sockets_behind_wildcards_and_of_one_family(inside: Any, socket: str, listens: bool) -> None:  # noqa: FBT001 - a parameter
    assert inside.socket(socket).is_listening is listens
    if socket.startswith("tcp"):
        assert by_tables(inside, socket) is listens


def by_tables(inside: Any, socket: str) -> bool:
    """The answer on a machine for which no program asks over netlink."""
    inside.backend.takes_ipv4.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sock_diag, "LISTINGS", {})
        inside.backend.session.run(f"rm -f {sock_diag.FOLDER}/listeners")
        listens: bool = inside.socket(socket).is_listening
    assert inside.backend.session.run("_ask_kernel listeners").code != 0
    inside.backend.takes_ipv4.clear()
    return listens


def test_all_listening_sockets_are_told_once(inside: Any) -> None:
    found = inside.socket.get_listening_sockets()
    engine = [socket for socket in found if "127.0.0.11" in socket]
    assert sorted(set(found) - set(engine)) == sorted(
        [
            "tcp://0.0.0.0:7001",
            "tcp://:::7002",
            "tcp://:::7003",
            "tcp://0.0.0.0:7003",
            "tcp://127.0.0.1:7004",
            "tcp://::1:7005",
            "udp://0.0.0.0:7006",
            "udp://:::7007",
            "udp://0.0.0.0:7007",
            "udp://:::7008",
            "unix:///tmp/scene/socket",
        ]
    )
    assert len(found) == len(set(found))


def test_no_service_is_connected_to_for_a_socket_of_both_families(inside: Any) -> None:
    def accepted() -> int:
        names, numbers = (
            line.split() for line in inside.file("/proc/net/snmp").content_string.splitlines() if "Tcp:" in line
        )
        return int(numbers[names.index("PassiveOpens")])

    before = accepted()
    for _ in range(3):
        assert inside.socket("tcp://0.0.0.0:7003").is_listening
        assert not inside.socket("tcp://0.0.0.0:7002").is_listening
        assert "tcp://0.0.0.0:7003" in inside.socket.get_listening_sockets()
    assert accepted() == before


@pytest.mark.parametrize("program", ["sh", "bash", "ls", "cat", "busybox", "apt-get", "/bin/sh"])
def test_what_the_container_does_not_have_does_not_exist(inside: Any, program: str) -> None:
    assert not inside.exists(program)
    assert inside.run("which %s", program).rc == 1


def test_what_cannot_be_answered_is_an_error(inside: Any) -> None:
    with pytest.raises(EngineError, match="may not send ICMP"):
        _ = inside.addr("localhost").is_reachable
    assert inside.run("ps --forest").rc == 126
    assert inside.run("ss --processes").rc == 126
    assert inside.run("getent services ssh").rc == 1
    assert inside.run("pip install x").rc == 126


def test_the_sidecar_is_no_process_of_the_container(inside: Any) -> None:
    assert [process.pid for process in inside.process.filter()] == [1]


def test_environment_is_that_of_the_service(inside: Any) -> None:
    environment = inside.environment()
    assert environment["SCENE"] == "one two"
    assert environment["PATH"] == inside.check_output("echo $_target_path")
    assert not {"PWD", "SHLVL", "OLDPWD"} & set(environment)
