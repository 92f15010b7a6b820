"""`prove` on a stack of strangers: what bites, what does not; the stack stays as it is, and nothing of the copy."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from foreign import STACKS, Stack
from runs import DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

ROWS = ("foreign-ipv6-api-1", "foreign-ipv6-web-1")


@pytest.fixture
def stack(app: None, tmp_path: Path) -> Iterator[Stack]:  # noqa: ARG001 - the image is there
    stack = Stack(STACKS / "ipv6", tmp_path)
    stack.init()
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


def there(client: docker.DockerClient) -> list[Any]:
    """Everything on the engine that a copy could change or leave."""
    containers = sorted((each["Id"], each["State"]) for each in client.api.containers(all=True))
    networks = sorted(each["Id"] for each in client.api.networks())
    volumes = sorted(each["Name"] for each in client.api.volumes()["Volumes"] or [])
    images = sorted(each["Id"] for each in client.api.images(all=True))
    return [containers, networks, volumes, images]


def command(stack: Stack, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest_lucid", "prove", f"--project={stack.output}", *arguments]


def test_a_check_out_of_reach_does_not_bite(stack: Stack, client: docker.DockerClient, tmp_path: Path) -> None:
    before = there(client)
    found = tmp_path / "prove.json"
    only = [f"--only={key}" for key in ("hardening.read_only", "user", "stays", "image", "addresses", "content")]
    done = subprocess.run(
        command(stack, f"--json={found}", *only, "--", "-k", "not test_root_is_read_only"),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    verdicts = {(each["row"], each["demand"]): each["verdict"] for each in json.loads(found.read_text("utf-8"))}
    expected = {
        "hardening.read_only": "does not bite",
        "user": "bites",
        "stays": "bites",
        "image": "bites",
        "content": "not planted",
    }
    of_web = {("foreign-ipv6-web-1", "addresses"): "bites"}
    assert verdicts == {(row, key): verdict for row in ROWS for key, verdict in expected.items()} | of_web, said
    assert "7 of 9 planted defects were found; 2 demands were not planted" in said
    assert there(client) == before


def test_a_stack_that_is_not_healthy_is_one_error(stack: Stack, client: docker.DockerClient) -> None:
    text = stack.matrix.read_text("utf-8")
    stack.matrix.write_text(text.replace('user = "65532:65532"', 'user = "65532:65531"'), "utf-8")
    before = there(client)
    done = subprocess.run(command(stack), capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS)
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stderr.startswith("ERROR: prove: the suite is not green on a copy without a defect:\n  CTR-USER[")
    assert there(client) == before


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_nothing_stays_after_an_interrupt(stack: Stack, client: docker.DockerClient) -> None:
    before = there(client)
    with subprocess.Popen(command(stack), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not client.api.containers(filters={"name": "-prove-"}) and process.poll() is None:
            assert time.monotonic() < deadline, "nothing is copied"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 2, said
    assert "interrupted; the copy of the stack is removed" in said
    assert there(client) == before
