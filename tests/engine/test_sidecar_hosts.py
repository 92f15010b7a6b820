"""`lucid://CONTAINER`: anybody's testinfra tests, unmodified, in any running container, and no trace of it after."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from scene import Scene, playing

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pytestmark = pytest.mark.engine
STOCK = Path(__file__).with_name("stock_testinfra.py")


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def scene(client: docker.DockerClient) -> Iterator[Scene]:
    with playing(client) as scene:
        yield scene


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LUCID_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def sidecars(client: docker.DockerClient) -> list[str]:
    found = client.containers.list(all=True, filters={"label": "lucid.sidecar", "name": "lucid-scratch-distroless"})
    return [str(each.name) for each in found]


def test_a_stock_suite_runs_by_hosts_alone(client: docker.DockerClient, scene: Scene, tmp_path: Path) -> None:
    shutil.copy(STOCK, tmp_path / "test_stock.py")
    done = python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hosts=lucid://{scene.distroless}")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "failed" not in done.stdout
    assert not sidecars(client)


def test_get_host_answers_outside_pytest(client: docker.DockerClient, scene: Scene, tmp_path: Path) -> None:
    script = (
        "import json, testinfra\n"
        "from pytest_lucid.target.testinfra_scheme import register\n"
        "register()\n"
        f"host = testinfra.get_host('lucid://{scene.distroless}?host=local')\n"
        "print(json.dumps([host.user().name, host.exists('sh'), host.backend.get_pytest_id()]))"
    )
    done = python(tmp_path, "-c", script)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["nonroot", False, f"lucid://{scene.distroless}"]
    assert not sidecars(client)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("lucid://lucid-scratch-nowhere", "there is no container called lucid-scratch-nowhere"),
        ("lucid://{id}", "is the beginning of the id of lucid-scratch-distroless"),
        ("lucid://x?user=root", "expected lucid://CONTAINER or lucid://CONTAINER?host=HOST"),
        ("lucid://", "expected lucid://CONTAINER or lucid://CONTAINER?host=HOST"),
        ("lucid://x?host=-oProxyCommand", "is no valid host"),
    ],
)
def test_a_host_that_cannot_be_meant_is_one_message(
    client: docker.DockerClient, scene: Scene, tmp_path: Path, host: str, message: str
) -> None:
    identity = client.containers.get(scene.distroless).id or ""
    test = "def test(host):\n    assert host.user().name\n"
    (tmp_path / "test_it.py").write_text(test)
    asked = host.format(id=identity[:12])
    done = python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hosts={asked}")
    assert done.returncode
    assert message in done.stdout + done.stderr
    assert not sidecars(client)


def test_sudo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test(host):\n    assert host.user().name\n")
    done = python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hosts=lucid://x", "--sudo")
    assert done.returncode
    assert "--sudo is not supported" in done.stdout + done.stderr
