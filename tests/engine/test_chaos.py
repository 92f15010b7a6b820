"""The checks that hurt a real stack: all is whole again afterwards, also after an interrupted run."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from runs import DEADLINE_SECONDS, SERVICES, SUITE, Things

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterable, Iterator

    import docker
    from docker.types.daemon import CancellableStream

CHAOS = f"{SUITE}/test_chaos.py"
# Every way to hurt, and every service as a victim, but not each dependency of each: that takes minutes.
CELLS = "circuit or consul or killed or block-manager"
HARM = ("kill", "stop", "pause", "unpause")
# What is done to a container, the event it begins with, and the event that it is healed with.
WAYS = (("stopped", "kill", "start"), ("frozen", "pause", "unpause"))
HURT_SECONDS, HEALED_SECONDS = 60, 20


def events(client: docker.DockerClient, actions: Iterable[str], **period: int) -> CancellableStream[dict[str, Any]]:
    """What is done to containers: from now on, or in a period; the engine remembers no more than its last 256."""
    return client.events(decode=True, filters={"type": "container", "event": list(actions)}, **period)


def name(event: dict[str, Any]) -> str:
    """The container that an event is of."""
    return str(event["Actor"]["Attributes"]["name"])


@contextmanager
def witnessed(client: docker.DockerClient) -> Iterator[list[dict[str, Any]]]:
    """Everything that hurts or frees a container within the block; complete when the block is left."""
    seen: list[dict[str, Any]] = []
    stream = events(client, HARM)
    witness = threading.Thread(target=lambda: seen.extend(stream))
    witness.start()
    try:
        yield seen
    finally:
        stream.close()
        witness.join()


def test_stack_is_hurt_only_when_asked_and_whole_afterwards(
    run: Callable[..., tuple[int, str]], things: Callable[[], Things], client: docker.DockerClient
) -> None:
    code, output = run("--lucid-up", "--lucid-keep", CHAOS, "-rs")
    assert code == 0, output
    assert " passed" not in output
    assert "containers would be stopped, frozen and killed: give --lucid-chaos" in output

    with witnessed(client) as seen:
        code, output = run("--lucid-host=local", "--lucid-chaos", "--lucid-service=lucid-data-chain", CHAOS, "-rs")
    assert code == 0, output
    assert "only some of the services were asked for" in output
    assert not [name(event) for event in seen if name(event) in {"consul", *SERVICES}]

    with witnessed(client) as seen:
        code, output = run("--lucid-host=local", "--lucid-chaos", CHAOS, "-k", CELLS)
    assert code == 0, output
    killed = (e for e in seen if e["Action"] == "kill" and e["Actor"]["Attributes"]["signal"] == "9")
    assert {name(event) for event in killed} >= SERVICES
    frozen = [name(event) for event in seen if event["Action"] == "pause"]
    assert frozen
    assert [name(event) for event in seen if event["Action"] == "unpause"] == frozen
    assert "consul" in {name(event) for event in seen if event["Action"] == "stop"}
    # What was seen before cannot hide what chaos left behind: another run looks.
    code, output = run("--lucid-host=local", f"{SUITE}/test_container.py", f"{SUITE}/test_http.py")
    assert code == 0, output
    # No sidecar stays.
    assert things().containers == {"consul", *SERVICES}


def test_interrupted_run_heals_what_it_hurts(
    run: Callable[..., tuple[int, str]], start: Callable[..., subprocess.Popen[str]], client: docker.DockerClient
) -> None:
    code, output = run("--lucid-up", "--lucid-keep", CHAOS)
    assert code == 0, output
    for way, hurt, healed in WAYS:
        begin = int(time.time())
        process = start("--lucid-host=local", "--lucid-chaos", CHAOS, "-k", f"{way} and block-manager")
        victim = next(name(event) for event in events(client, [hurt], since=begin, until=begin + HURT_SECONDS))
        # The engine has only just begun: the run still waits for it.
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == pytest.ExitCode.INTERRUPTED, output
        ends = events(client, [healed], since=begin, until=int(time.time()) + HEALED_SECONDS)
        assert any(name(event) == victim for event in ends), f"{victim} stays {way}"
        assert client.containers.get(victim).status == "running"
