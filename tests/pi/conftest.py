"""Real runs of pytest against the machine, as a user would start them, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest
from machine import NAME, Machine, found, running
from ran import Ran
from root import MachineError, why_not
from runs import DEADLINE_SECONDS, ROOT, SUITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """The machine: one that is up already, which then stays, or a new one."""
    if why := why_not():
        pytest.skip(why)
    if there := found():
        yield there
        return
    try:
        with running() as made:
            yield made
    except MachineError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def engine(machine: Machine) -> Iterator[docker.DockerClient]:
    """The machine's engine, seen without the plugin's own eyes."""
    client = docker.DockerClient(machine.engine)
    yield client
    client.close()


@pytest.fixture(scope="session")
def run(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Run pytest with this project's services to its end, from an empty folder."""

    def run(*arguments: str, host: str | None = NAME, **environment: str) -> Ran:
        folder = tmp_path_factory.mktemp("run")
        hosts = [f"--lucid-host={host}"] if host else []
        options = ["-p", "no:cacheprovider", f"--lucid-project={ROOT}", "--junitxml=junit.xml", *hosts]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LUCID_", "PYTEST_"))}
        path = {"PATH": f"{machine.programs}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *arguments],
            check=False,
            cwd=folder,
            env={**inherited, **path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        report = folder / "junit.xml"
        # The run of this test wrote it.
        return Ran(done.returncode, done.stdout, ET.parse(report).getroot() if report.exists() else None)  # noqa: S314

    return run


@pytest.fixture(scope="session")
def stack(run: Callable[..., Ran]) -> Ran:
    """The run that built the images there, brought the stack up, checked it, and left it running."""
    ran = run("--lucid-up", "--lucid-keep", SUITE)
    assert "6 of 6 services healthy" in ran.output, ran.output
    return ran


@pytest.fixture
def ssh_config(machine: Machine) -> Iterator[Path]:
    """The configuration that ssh reads; what a test writes to it is undone."""
    before = machine.ssh_config.read_text()
    yield machine.ssh_config
    machine.ssh_config.write_text(before)


@pytest.fixture
def breaking(tmp_path: Path) -> Callable[[str], str]:
    """A file of checks: between the second and the third cell of six, the machine suffers what `body` says."""

    def breaking(body: str) -> str:
        test = tmp_path / "test_breaking.py"
        test.write_text(
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            "import machine as machines, pytest\n"
            "CELLS = []\n"
            '@pytest.mark.lucid("DRIFT", severity="low", remedy="R.")\n'
            "def test_cell(service, deployment):\n"
            "    if len(CELLS) == 2:\n"
            "        machine = machines.found()\n"
            f"        {body}\n"
            "    CELLS.append(service.name)\n"
            "    assert deployment.drift(service) is not None\n"
        )
        return str(test)

    return breaking
