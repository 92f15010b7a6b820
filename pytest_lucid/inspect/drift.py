"""What has changed in a container's own layer since it was made, as the engine tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from docker.errors import NotFound

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.missing import no_container

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.engine.connection import Engine

KINDS = ("changed", "added", "deleted")
# Where the engine mounts the init that it starts a container with; no inspection lists that mount.
INIT = "/sbin/docker-init"


@dataclass(frozen=True)
class Drift:
    """The changes, as `added /path`; parents of what was added show as changed."""

    changes: tuple[str, ...]


def read_drift(engine: Engine, name: str) -> Drift:
    """Ask the engine what differs from the image, but for the places that the engine itself made to mount things at.

    Raises MissingError where there is no container called `name`.
    """
    with engine_errors(f"comparing {name} with its image"):
        try:
            document = engine.client.api.inspect_container(name)
            changes = engine.client.api.diff(document["Id"]) or []
        except NotFound as error:
            raise no_container(name) from error
    host = document["HostConfig"]
    places = [mount["Destination"] for mount in document["Mounts"]] + list(host.get("Tmpfs") or ())
    if host.get("Init"):
        places.append(INIT)
    made = {(KINDS[change["Kind"]], change["Path"]) for change in changes}
    return Drift(tuple(sorted(f"{kind} {path}" for kind, path in made if not _is_place(kind, path, places))))


def _is_place(kind: str, path: str, places: Sequence[str]) -> bool:
    return kind != "deleted" and any(f"{place}/".startswith(f"{path}/") for place in places)
