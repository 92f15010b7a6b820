"""Removing what runs made, by label and by nothing else."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound

from pytest_lucid.engine.asking import together
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.run import KEEP, OWNER, RUN, owner
from pytest_lucid.stack.follower import nobody
from pytest_lucid.stack.network import RESTART, remove_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_lucid.engine.connection import Engine

CONFLICT = 409


@dataclass(frozen=True)
class Leftover:
    """What is there of an earlier run: its id, whether it was kept on request, and its containers' names."""

    run: str
    kept: bool
    containers: tuple[str, ...]


def tear_down(engine: Engine, run: str, progress: Callable[[str], None] = nobody) -> bool:
    """Remove every container, volume and network labelled with `run`; return whether all of it is gone.

    What is gone already is no error. A network that the engine keeps although nobody is on it is a line of `progress`.
    """
    label = f"{RUN}={run}"
    client = engine.client
    with uninterrupted(), engine_errors(f"tearing down run {run}"):
        containers = client.api.containers(all=True, filters={"label": label})
        together(partial(_remove_container, engine, container["Id"]) for container in containers)
        volumes = client.api.volumes(filters={"label": label})["Volumes"] or []
        together(partial(_remove, client.api.remove_volume, volume["Name"]) for volume in volumes)
        networks = client.api.networks(filters={"label": label})
        kept = [name for name in together(partial(remove_network, engine, each["Id"]) for each in networks) if name]
    for name in kept:
        progress(
            f"the engine keeps network {name}, on which nobody is, because it has miscounted; the next run uses it "
            f"again. To be rid of it, {RESTART}"
        )
    return not kept


def leftovers(engine: Engine) -> tuple[Leftover, ...]:
    """The runs of this owner of which something is still there; call it while holding the lock of the engine."""
    label = f"{OWNER}={owner()}"
    client = engine.client
    with engine_errors("looking for what earlier runs left"):
        containers = client.api.containers(all=True, filters={"label": label})
        networks = client.api.networks(filters={"label": label})
        volumes = client.api.volumes(filters={"label": label})["Volumes"] or []
    found: dict[str, Leftover] = {}
    for thing in (*containers, *networks, *volumes):
        labels = thing["Labels"]
        run = labels.get(RUN, "")
        earlier = found.get(run, Leftover(run, labels.get(KEEP) == "true", ()))
        names = tuple(name.removeprefix("/") for name in thing.get("Names", ()))
        found[run] = Leftover(run, earlier.kept, (*earlier.containers, *names))
    return tuple(found.values())


def remove_leftovers(engine: Engine, progress: Callable[[str], None]) -> None:
    """Remove what crashed or kept runs of this owner left on the engine, one line of progress each."""
    for leftover in leftovers(engine):
        is_gone = tear_down(engine, leftover.run, progress)
        what = "kept" if leftover.kept else "left over"
        if is_gone or leftover.containers:
            progress(f"removed run {leftover.run}, {what}: {', '.join(leftover.containers) or 'no containers'}")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Go on in spite of Ctrl-C or SIGTERM until everything is removed.

    It takes seconds, what is left behind would block, and CI systems send one signal after the other.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _remove_container(engine: Engine, identity: str) -> None:
    try:
        _remove(engine.client.api.remove_container, identity, v=True, force=True)
    except APIError as error:
        # A sidecar removes itself when its target goes.
        if error.status_code != CONFLICT:
            raise


def _remove(remove: Callable[..., Any], identity: str, **options: bool) -> None:
    try:
        remove(identity, **options)
    except NotFound:
        return
