"""From a tree to a running stack and back: the order of things, for pytest and for the command line alike."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_lucid import standin
from pytest_lucid.config.hosts import LOCAL
from pytest_lucid.config.temporary import temporary_room
from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.dockerfile.resolve import resolve
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run, exclusive
from pytest_lucid.errors import EngineError, LucidError
from pytest_lucid.inspect.consul import read_discovery
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import TOOLBOX, Sidecar
from pytest_lucid.stack.bring_up import await_health, bring_up
from pytest_lucid.stack.build import BuildPlan, build_images
from pytest_lucid.stack.room import demand_room
from pytest_lucid.stack.teardown import remove_leftovers, tear_down
from pytest_lucid.stack.transfer import send_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_lucid.config.settings import Settings
    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Matrix, Service

REGISTRATION_POLL_SECONDS = 0.25


@contextmanager
def prepared(engine: Engine, matrix: Matrix, settings: Settings, progress: Callable[[str], None]) -> Iterator[None]:
    """Build what `settings` asks for, bring it up, and tear it down on every way out, unless it is to be kept.

    Raises ConfigError or EngineError, with nothing left behind, where that cannot be done. A service that does not
    become healthy is no error here: the checks will say so.
    """
    services = matrix.closure(matrix.select(settings.services))
    with exclusive(engine), ExitStack() as afterwards:
        if settings.up:
            remove_leftovers(engine, progress)
            demand_room(engine, matrix, services)
        with temporary_room("what images are made of"):
            build(engine, matrix, settings, services, progress)
        if settings.up:
            run = Run.new(keep=settings.keep)
            afterwards.callback(_remove, engine, run, progress)
            bring_up(engine, matrix, services, run, progress)
            started = time.monotonic()
            deadline = started + settings.timeout
            lost = await_health(engine, services, deadline, progress)
            well = [service for service in services if service.name not in lost]
            lost.update(_await_registration(engine, matrix, well, run, deadline))
            healthy = f"{len(services) - len(lost)} of {len(services)} services healthy"
            progress(f"{healthy} after {time.monotonic() - started:.1f} s")
            for name, state in lost.items():
                progress(f"{name} is {state}")
            if settings.keep:
                afterwards.pop_all()
                said = f"kept run {run.id}; the next --lucid-up replaces it, `{_down(engine)}` removes it"
                afterwards.callback(progress, said)
        yield


def _remove(engine: Engine, run: Run, progress: Callable[[str], None]) -> None:
    try:
        tear_down(engine, run.id, progress)
    except EngineError as error:
        raise EngineError(
            f"{engine.host}: what run {run.id} made is still there: {error}\n"
            f"Remove it with `{_down(engine)}`; the next --lucid-up there does that, too."
        ) from error
    progress(f"removed run {run.id}")


def _down(engine: Engine) -> str:
    """The command that removes what runs left there."""
    return f"python -m pytest_lucid down{'' if engine.host == LOCAL else f' --host={engine.host}'}"


def build(
    engine: Engine,
    matrix: Matrix,
    settings: Settings,
    services: Sequence[Service],
    progress: Callable[[str], None],
) -> None:
    """Get the base images that `services` and Consul need, then build the images of `services`, there or here."""
    foreign = [service.image for service in services if not service.dockerfile] if settings.up else []
    consul = [matrix.consul.image] if matrix.consul else []
    standin.ensure(engine.client, [*consul, *foreign, *([TOOLBOX] if settings.up else [])], progress)
    references: list[str] = []
    services = [service for service in services if service.dockerfile]
    for service in services:
        text = (settings.project / str(service.dockerfile)).read_bytes()
        facts = resolve(parse(text), matrix.build_arguments)
        references += [image.value for image in facts.images]
    plan = BuildPlan(settings.project, matrix.build_arguments, matrix.architecture)
    if engine.is_local or not settings.build_here:
        standin.ensure(engine.client, tuple(dict.fromkeys(references)), progress, plan.architecture)
        build_images(engine, plan, services, progress)
        return
    with closing(connect(LOCAL)) as builder:
        wanted = plan.architecture or engine.architecture
        plan = replace(plan, architecture=None if wanted == builder.architecture else wanted)
        standin.ensure(builder.client, tuple(dict.fromkeys(references)), progress, plan.architecture)
        build_images(builder, plan, services, progress)
        send_images(builder, engine, [service.image for service in services], progress)


def _await_registration(
    engine: Engine, matrix: Matrix, services: Sequence[Service], run: Run, deadline: float
) -> dict[str, str]:
    """Wait until all are registered, or `deadline` (time.monotonic); return the state of the others."""
    if (consul := matrix.consul) is None:
        return {}
    names = [service.name for service in services if service.registered]
    with closing(Session(Sidecar(engine, consul.container, run))) as session:
        while (late := _unregistered(session, consul.port, names)) and time.monotonic() < deadline:
            time.sleep(REGISTRATION_POLL_SECONDS)
        session.sidecar.remove()
    return dict.fromkeys(late, "not registered in Consul")


def _unregistered(session: Session, port: int, names: Sequence[str]) -> list[str]:
    try:
        found = read_discovery(session, port, names).registrations
    except LucidError:
        # The checks will say what is wrong with it.
        return list(names)
    return [name for name in names if not any(registration.passing for registration in found[name])]
