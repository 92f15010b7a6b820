"""Building the images of the matrix from their Dockerfiles."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from docker.errors import APIError
from requests.exceptions import RequestException

from pytest_lucid.config.temporary import temporary_room
from pytest_lucid.engine.asking import together
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import EngineError
from pytest_lucid.image.config import read_image
from pytest_lucid.stack.build_order import BuildProgress, wait_for_shared
from pytest_lucid.stack.follower import BUILDING, BUILT, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Service

SHOWN_LINES = 20
# Compilers want a core each, and a Pi has four.
BUILDS_AT_ONCE = 4


@dataclass(frozen=True)
class BuildPlan:
    """How images are built: the context, the build arguments, and for which architecture, as engines name it.

    Without one they are for the engine's own.
    """

    project: Path
    arguments: Mapping[str, str]
    architecture: str | None = None


def build_images(engine: Engine, plan: BuildPlan, services: Sequence[Service], progress: Callable[[str], None]) -> None:
    """Build the image of every service, as `docker build -f DOCKERFILE -t IMAGE PROJECT` would, side by side.

    What Dockerfiles begin with alike is built once, and comes from the engine's cache for the others.
    """
    plan = replace(plan, arguments={**provenance(plan.project), **plan.arguments})
    builds = [BuildProgress((plan.project / str(service.dockerfile)).read_bytes()) for service in services]

    def build(number: int) -> None:
        service = services[number]
        try:
            wait_for_shared(builds, number)
            started = time.monotonic()
            before = read_image(engine, service.image)
            tell(progress, service.name, BUILDING)
            _build(engine, plan, service, builds[number])
            tell(progress, service.name, BUILT)
            after = read_image(engine, service.image)
        finally:
            builds[number].end()
        what = "unchanged" if before.exists and before.id == after.id else "built"
        progress(f"{service.image}: {what}, {time.monotonic() - started:.1f} s")

    together((partial(build, number) for number in range(len(services))), BUILDS_AT_ONCE)


def provenance(project: Path) -> dict[str, str]:
    """Where the sources come from, as build arguments: commit and its date, so that one commit always builds the same.

    Empty outside a git checkout: the Dockerfiles then say `unknown`.
    """
    command = ["git", "-C", str(project), "log", "-1", "--format=%H %cI"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 - argv only
    except (OSError, subprocess.SubprocessError):
        return {}
    commit, date = answer.stdout.split()
    return {"GIT_COMMIT": commit, "BUILD_DATE": date}


def _build(engine: Engine, plan: BuildPlan, service: Service, progress: BuildProgress) -> None:
    output: list[str] = []
    with engine_errors(f"building {service.image}"):
        try:
            with temporary_room("the files that a build may copy"):
                events = engine.client.api.build(
                    path=str(plan.project),
                    dockerfile=str(service.dockerfile),
                    tag=service.image,
                    buildargs=dict(plan.arguments),
                    platform=f"linux/{plan.architecture}" if plan.architecture else None,
                    rm=True,
                    forcerm=True,
                    decode=True,
                )
            for event in events:
                line = str(event.get("stream") or event.get("error") or "")
                progress.hear(line)
                output += line.splitlines()
                if "error" in event:
                    raise _failure(service, output)
        except APIError as error:
            raise _failure(service, [*output, str(error.explanation)]) from error
        except RequestException:
            raise
        except OSError as error:
            raise EngineError(
                f"{service.dockerfile}: the files that the build may copy cannot be read: {error}. Let this user read "
                "them, or name them in .dockerignore"
            ) from error


def _failure(service: Service, output: Sequence[str]) -> EngineError:
    shown = "\n  ".join(line for line in output[-SHOWN_LINES:] if line.strip())
    return EngineError(
        f"{service.dockerfile}: building {service.image} failed. The last lines of the build:\n  {shown}"
    )
