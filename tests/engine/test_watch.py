"""`watch` beside a real stack: a stopped service shows, recovers, and the watcher leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from runs import DEADLINE_SECONDS, ROOT, SUITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

pytestmark = pytest.mark.engine
PATIENCE_SECONDS = DEADLINE_SECONDS
SERVICE = "lucid-data-chain"


@pytest.fixture
def stack(client: docker.DockerClient, start: Callable[..., subprocess.Popen[str]]) -> docker.DockerClient:
    """The engine, with the six services up and kept."""
    run = start("--lucid-up", "--lucid-keep", f"{SUITE}/test_network.py")
    said, _ = run.communicate(timeout=DEADLINE_SECONDS)
    assert run.returncode == 0, said
    return client


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A watcher of the running stack, and its URL; a change is also written to a file by a command."""
    noted = tmp_path / "noted"
    note = f"import os; open({str(noted)!r}, 'a').write(os.environ['LUCID_CELL'] + os.environ['LUCID_AFTER'] + '\\n')"
    command = [sys.executable, "-u", "-m", "pytest_lucid", "watch", "--every", "3600", "--listen", "127.0.0.1:0"]
    with (tmp_path / "changes").open("w") as changes:
        process = subprocess.Popen(
            [*command, f"--project={ROOT}", "--on-change", sys.executable, "-c", note],
            stdout=changes,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stderr is not None
            yield process, process.stderr.readline().rpartition("see ")[2].strip()
        finally:
            process.kill()
            process.communicate()


def asked(url: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{url}healthz", timeout=10).json()
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_stopped_service_shows_at_once_and_recovers(
    stack: docker.DockerClient, watcher: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, url = watcher
    until(lambda: asked(url)["rounds"] == 1)
    assert (asked(url)["status"], asked(url)["red"]) == ("healthy", [])
    before = {container.id for container in stack.containers.list(all=True)}
    try:
        stack.containers.get(SERVICE).stop()
        until(lambda: f"CTR-RUNNING[{SERVICE}@local]" in asked(url)["red"])
        # The whole round follows by itself, an hour before its time.
        until(lambda: f"HTTP-HEALTH[{SERVICE}@local]" in asked(url)["red"])
    finally:
        stack.containers.get(SERVICE).start()
    until(lambda: asked(url)["status"] == "healthy")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert {container.id for container in stack.containers.list(all=True)} == before
    lines = [json.loads(line) for line in (tmp_path / "changes").read_text().splitlines()]
    running = [(line["before"], line["after"]) for line in lines if line["cell"] == f"CTR-RUNNING[{SERVICE}@local]"]
    assert running == [("passed", "failed"), ("failed", "passed")]
    assert f"CTR-RUNNING[{SERVICE}@local]failed\n" in (tmp_path / "noted").read_text()
