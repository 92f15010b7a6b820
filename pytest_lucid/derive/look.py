"""Looking at an engine, for a lucid.toml to be made of what runs, or will run. Nothing there is changed."""

from __future__ import annotations

from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_lucid.derive.planned import plan
from pytest_lucid.derive.row import ENGINE_NETWORKS
from pytest_lucid.derive.seen import SeenContainer
from pytest_lucid.engine.connection import connect, engine_errors
from pytest_lucid.engine.run import RUN, Run
from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.image.config import read_image
from pytest_lucid.inspect.container import read_container
from pytest_lucid.inspect.drift import read_drift
from pytest_lucid.inspect.find import PROJECT
from pytest_lucid.inspect.network import read_network
from pytest_lucid.sidecar.runtime import read_runtime
from pytest_lucid.target.sidecar_pool import SidecarPool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.image.config import Image
    from pytest_lucid.inspect.network import NetworkFacts
    from pytest_lucid.sidecar.runtime import Runtime

# How the engine lists a container that has ended well.
DONE = "Exited (0)"


def look(host: str, project: str | None) -> tuple[list[SeenContainer], list[NetworkFacts]]:
    """All containers that run on `host`, or those of a compose project, and their networks.

    Raises ConfigError where none runs. A container into which no sidecar can look is seen from outside only.
    """
    with closing(connect(host)) as engine:
        names = _names(engine, project)
        pool = SidecarPool(engine, Run.new(), names)
        try:
            seen = [_look(engine, name, pool) for name in names]
        finally:
            pool.close()
            pool.remove()
        networks = sorted({network for each in seen for network in each.container.networks} - ENGINE_NETWORKS)
        return seen, [read_network(engine, network) for network in networks]


def look_ahead(
    host: str, model: Mapping[str, Any], warn: Callable[[str], None]
) -> tuple[list[SeenContainer], list[NetworkFacts]]:
    """All containers that the compose project `model` stands for, and their networks.

    The engine of `host` is asked for images only. Without it, what only images tell stays unknown, and `warn` says so.
    """
    try:
        with closing(connect(host)) as engine:
            return plan(model, partial(_image_of, engine))
    except EngineError as error:
        warn(f"images are not looked at: {error}")
        return plan(model, lambda _: None)


def _image_of(engine: Engine, reference: str) -> Image | None:
    image = read_image(engine, reference)
    return image if image.exists else None


def _names(engine: Engine, project: str | None) -> list[str]:
    with engine_errors("listing containers"):
        filters = {"label": f"{PROJECT}={project}"} if project else {}
        # One that has done its work belongs to a project, too.
        listed = [
            each
            for each in engine.client.api.containers(all=bool(project), filters=filters)
            if each["State"] != "exited" or each["Status"].startswith(DONE)
        ]
    # What runs of this package made is no stack of the user's.
    names = sorted(each["Names"][0].removeprefix("/") for each in listed if RUN not in (each.get("Labels") or {}))
    if not names:
        what = f"no container of the compose project {project} runs" if project else "no container runs"
        raise ConfigError(f"{engine}: {what}; start the stack first")
    return names


def _look(engine: Engine, name: str, pool: SidecarPool) -> SeenContainer:
    container = read_container(engine, name)
    ends = container.status == "exited"
    image = read_image(engine, str((container.document or {})["Config"]["Image"]))
    return SeenContainer(
        container=container,
        runtime=None if ends else _inside(pool, container.user, name),
        drift=read_drift(engine, name),
        image_user=image.user if image.exists else "",
        is_current=image.exists and image.id == container.image_id,
        ends=ends,
    )


def _inside(pool: SidecarPool, user: str, name: str) -> Runtime | None:
    uid, colon, gid = user.partition(":")
    numeric = user if colon and uid.isdecimal() and gid.isdecimal() else None
    with suppress(EngineError):
        return read_runtime(pool.session(name), numeric)
    return None
