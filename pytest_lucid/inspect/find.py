"""Which container is meant: by its name, by the labels of compose, or by any label; and what is there instead."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.missing import no_container
from pytest_lucid.engine.run import RUN
from pytest_lucid.errors import EngineError, MissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Service

PROJECT = "com.docker.compose.project"
COMPOSE_SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
# What `docker compose run` makes beside the service.
ONE_OFF = "com.docker.compose.oneoff"


def name_of(engine: Engine, row: Service) -> str:
    """The name of the container that `row` means; the engine is asked only for one that is found by labels.

    Raises MissingError where none has the labels, or more have them than the row has instances.
    """
    if row.compose:
        what = str(row.compose)
        found = [each for each in _instances(engine, row) if _number(each) == row.compose.number]
    elif row.label:
        what = f"with the label {row.label}"
        found = _instances(engine, row)
        if row.instances or row.ordinal > 1:
            found = found[row.ordinal - 1 : row.ordinal]
    else:
        return row.container or row.name
    if not found:
        hint = hint_for(engine, row.compose.service if row.compose else row.name)
        raise no_container(row.name, f"there is no container {what}", hint)
    if len(found) > 1:
        raise MissingError(
            f"{len(found)} containers are {what}: {', '.join(map(_name, found))}; expected one. Give {row.name} "
            "the key `container` or `compose`, a label of its own, or `instances`.",
            about=f"container {row.name}",
        )
    return _name(found[0])


def instances_of(engine: Engine, row: Service) -> tuple[str, ...]:
    """The names of all containers that have the labels of `row` and run, or have ended where they are to end."""
    return tuple(_name(each) for each in _instances(engine, row) if row.once or each["State"] == "running")


def is_of(row: Service, name: str, labels: Mapping[str, str]) -> bool:
    """Whether the container called `name`, with these labels, can be the one that `row` means."""
    if not (row.compose or row.label):
        return name == (row.container or row.name)
    listed = {"Names": [name], "Labels": labels}
    if row.compose and _number(listed) != row.compose.number:
        return False
    wanted = (label.partition("=") for label in _labels(row))
    return _is_lasting(listed) and all(labels.get(key) == value for key, _, value in wanted)


def _instances(engine: Engine, row: Service) -> list[Mapping[str, Any]]:
    found = filter(_is_lasting, _containers(engine, _labels(row)))
    return sorted(found, key=lambda each: (_number(each), _name(each)))


def _labels(row: Service) -> list[str]:
    said = row.compose
    return [f"{PROJECT}={said.project}", f"{COMPOSE_SERVICE}={said.service}"] if said else [row.label or ""]


def _number(listed: Mapping[str, Any]) -> int:
    number = str((listed.get("Labels") or {}).get(NUMBER) or "")
    return int(number) if number.isdecimal() else 0


def hint_for(engine: Engine, name: str) -> str:
    """A sentence on a container whose name is like `name`, and on the key that finds it; empty where there is none."""
    near: list[Mapping[str, Any]] = []
    # What is there of other names is no matter of the question, so a problem with it is none either.
    with suppress(EngineError):
        near = [each for each in _containers(engine, []) if _is_lasting(each) and _is_like(each, name)]
    if not near:
        return ""
    first = min(near, key=_name)
    labels = first.get("Labels") or {}
    if PROJECT in labels:
        number = labels.get(NUMBER, "1")
        which = "" if number == "1" else f", number = {number}"
        key = f'compose = {{ project = "{labels[PROJECT]}", service = "{labels[COMPOSE_SERVICE]}"{which} }}'
    else:
        key = f'container = "{_name(first)}"'
    return f"There is {_name(first)}; if that is meant, give its row `{key}`"


def _containers(engine: Engine, labels: list[str]) -> list[Mapping[str, Any]]:
    with engine_errors("looking for containers"):
        found: list[Mapping[str, Any]] = engine.client.api.containers(all=True, filters={"label": labels})
    return found


def _name(listed: Mapping[str, Any]) -> str:
    # A link of another container gives it a further name, which has a path.
    names = [str(name).removeprefix("/") for name in listed["Names"] or [""]]
    return min(names, key=lambda name: (name.count("/"), name))


def _is_lasting(listed: Mapping[str, Any]) -> bool:
    """Whether it is one of a stack: no sidecar, and nothing that somebody ran once beside it."""
    labels = listed.get("Labels") or {}
    return labels.get(ONE_OFF) != "True" and (RUN not in labels or "-sidecar-" not in _name(listed))


def _is_like(listed: Mapping[str, Any], name: str) -> bool:
    labels = listed.get("Labels") or {}
    own = _name(listed)
    if service := labels.get(COMPOSE_SERVICE):
        # The row is called as the service, or as the container of another project, or as with another separator.
        pattern = rf"(.*[-_])?{re.escape(service)}([-_]{re.escape(labels.get(NUMBER, '1'))})?"
        if re.fullmatch(pattern, name):
            return True
    return bool(re.fullmatch(rf"(.*[-_])?{re.escape(name)}([-_]\d+)?", own)) or own.replace("_", "-") == name
