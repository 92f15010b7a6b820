"""The phases of a run, as the engine's events tell them, and signals that reach a run when one begins."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from docker.errors import DockerException
from fault_bench import SERVICE, Bench, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

Event = dict[str, Any]


def _labels(event: Event) -> dict[str, str]:
    return (event.get("Actor") or {}).get("Attributes") or {}


def _is(event: Event, kind: str, action: str) -> bool:
    return event.get("Type") == kind and str(event.get("Action", "")).startswith(action)


# How the engine's events tell that a phase has begun.
PHASES: dict[str, Callable[[Event], bool]] = {
    "build": lambda e: _is(e, "container", "start") and "lucid.run" not in _labels(e),
    "network": lambda e: _is(e, "network", "create"),
    "volumes": lambda e: _is(e, "volume", "create"),
    "certificate": lambda e: _is(e, "container", "create") and "lucid.run" in _labels(e),
    "start": lambda e: _is(e, "container", "start") and _labels(e).get("name") == SERVICE,
    "wait": lambda e: _is(e, "container", "exec_create") and _labels(e).get("name") == SERVICE,
    "sidecar": lambda e: _is(e, "container", "create") and "-sidecar-" in _labels(e).get("name", ""),
    "checks": lambda e: _is(e, "container", "exec_start") and "-sidecar-" in _labels(e).get("name", ""),
    "tear-down": lambda e: _is(e, "container", "kill") and _labels(e).get("name") == SERVICE,
}
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}


@contextmanager
def watched(client: docker.DockerClient, phase: str) -> Iterator[threading.Event]:
    """An event that is set when the engine says that the phase has begun."""
    begun = threading.Event()
    events = client.events(decode=True)

    def listen() -> None:
        try:
            for event in events:
                if PHASES[phase](event):
                    begun.set()
                    return
        except (DockerException, OSError, ValueError):
            return  # it was closed, because the run ended without

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield begun
    finally:
        events.close()


def hurt(bench: Bench, client: docker.DockerClient, name: str, phase: str) -> Row:
    """Send a signal to a run when the phase begins."""
    if phase == "build":
        bench.renew()
    with watched(client, phase) as begun:
        process = bench.start()
        while not begun.wait(0.02) and process.poll() is None:
            pass
        if process.poll() is not None:
            raise SystemExit(f"{phase} was not seen:\n{process.communicate()[0]}")
        process.send_signal(SIGNALS[name])
    return bench.row(name, phase, process)
