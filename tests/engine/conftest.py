"""Real runs of pytest against the real engine, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest
from runs import DEADLINE_SECONDS, Things, networks_of_runs, run_command, run_environment
from scene import BOX, DISTROLESS, await_ready, keeping
from scene import start as start_container

from pytest_lucid import standin
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import TOOLBOX, Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker.models.containers import Container

    from pytest_lucid.engine.connection import Engine


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """The engine, seen without the plugin's own eyes."""
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def engine() -> Engine:
    return connect()


@pytest.fixture
def box(client: docker.DockerClient) -> Iterator[Callable[..., Container]]:
    """Start a container that runs some lines of Python first; options go to the engine."""
    standin.ensure(client, [DISTROLESS, TOOLBOX], print)
    made: list[Container] = []

    def box(lines: str = "", name: str = BOX, **options: Any) -> Container:
        made.append(start_container(client, DISTROLESS, name, keeping(lines), **options))
        await_ready(made[-1])
        return made[-1]

    yield box
    for container in reversed(made):
        container.remove(force=True, v=True)


@pytest.fixture
def inside(engine: Engine) -> Iterator[Callable[..., Any]]:
    """A testinfra Host inside a container, with the deadline of its session in seconds."""
    sessions: list[Session] = []

    def inside(name: str = BOX, deadline: float = 20) -> Any:
        sessions.append(Session(Sidecar(engine, name, Run.new()), deadline))
        return host_through(sessions[-1])

    yield inside
    for session in sessions:
        session.close()
        session.sidecar.remove()


@pytest.fixture
def things(client: docker.DockerClient) -> Callable[[], Things]:
    """What runs have left on the engine, now."""

    def things() -> Things:
        containers = client.containers.list(all=True, filters={"label": "lucid.run"}, ignore_removed=True)
        return Things(
            frozenset(str(c.name) for c in containers),
            networks_of_runs(client),
            frozenset(v.name for v in client.volumes.list(filters={"label": "lucid.run"})),
        )

    return things


@pytest.fixture(autouse=True)
def nothing_left(things: Callable[[], Things]) -> Iterator[None]:
    """Begin, and end, with nothing of a run on the engine, whatever the test did."""
    down()
    assert not things()
    yield
    down()


def down() -> None:
    """Remove what runs left."""
    subprocess.run([sys.executable, "-m", "pytest_lucid", "down"], check=True, cwd=Path.home(), timeout=60)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start pytest with this project's services, from an empty folder."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            run_command(*arguments),
            cwd=tmp_path,
            env=run_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def run(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., tuple[int, str]]:
    """Run pytest to its end; returns exit code and output."""

    def run(*arguments: str) -> tuple[int, str]:
        process = start(*arguments)
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        return process.returncode, output

    return run


@pytest.fixture
def waiting_test(tmp_path: Path) -> Path:
    """A test that writes its process id to the file `started`, and then waits for whatever comes."""
    test = tmp_path / "test_waiting.py"
    test.write_text(
        "import os, pathlib, time\n"
        "def test_waiting():\n"
        "    pathlib.Path('started').write_text(str(os.getpid()))\n"
        f"    time.sleep({DEADLINE_SECONDS})\n"
    )
    return test
