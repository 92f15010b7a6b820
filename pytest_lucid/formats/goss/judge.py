"""What the resources of a goss file demand, as questions to what is tested."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.goss import facts, live_facts
from pytest_lucid.formats.goss.facts import HINT
from pytest_lucid.formats.goss.shapes import SHAPES
from pytest_lucid.formats.goss.sources import read_all
from pytest_lucid.formats.goss.values import UnansweredError
from pytest_lucid.formats.tested import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_lucid.formats.goss.facts import Facts
    from pytest_lucid.formats.goss.model import Expectation, Resource
    from pytest_lucid.formats.tested import Tested

_LONGEST_SHOWN = 400


def questions(text: str, path: Path, variables: Mapping[str, Any]) -> tuple[Question, ...]:
    """The tests of a file and of those that it includes. Raises ConfigError for what is wrong, or not supported."""
    return tuple(
        Question(each.name, each.where, partial(_ask, each), "skip: true in the file" if each.skip else "")
        for each in read_all(text, path, variables)
    )


def _ask(resource: Resource, tested: Tested) -> list[str]:
    """What is wrong, one sentence each. As in goss, the first attribute decides whether others are looked at."""
    try:
        known = _FACTS[resource.kind](resource, tested)
    except UnansweredError as error:
        return [_short(str(error))]
    required = SHAPES[resource.kind].required
    problems: list[str] = []
    for expected in resource.expected:
        problems += _compared(expected, known[expected.attribute])
        if problems and expected.attribute == required and len(resource.expected) > 1 and resource.kind != "command":
            break
    if problems and (hint := known.get(HINT)):
        problems.append(hint())
    return [resource.title, *problems] if problems and resource.title else problems


def _compared(expected: Expectation, ask: Callable[[], Any]) -> list[str]:
    try:
        actual = ask()
    except UnansweredError as error:
        return [f"{expected.attribute}: {_short(str(error))}; expected {_shown(expected.said)}"]
    try:
        if expected.holds(actual):
            return []
        reason = ""
    except UnansweredError as error:
        reason = f" ({_short(str(error))})"
    return [f"{expected.attribute} is {_shown(actual)}; expected {_shown(expected.said)}{reason}"]


def _shown(value: Any) -> str:
    return _short(json.dumps(value, ensure_ascii=False))


def _short(said: str) -> str:
    """As much of it as people read. A byte that is no UTF-8 is escaped: no report and no other process takes it."""
    kept = said if len(said) <= _LONGEST_SHOWN else f"{said[:_LONGEST_SHOWN]}…"
    return kept.encode("utf-8", "backslashreplace").decode("utf-8")


def _service(resource: Resource, _: Tested) -> Facts:
    raise ConfigError(
        f"service {resource.subject} cannot be judged: no service manager runs in such a container. Ask for what the "
        "service does, with process, port or http, or set skip: true."
    )


def _matching(resource: Resource, _: Tested) -> Facts:
    return {"matches": lambda: resource.options.get("content")}


_FACTS: Mapping[str, Callable[[Resource, Tested], Facts]] = {
    "file": facts.file,
    "package": facts.package,
    "user": facts.user,
    "group": facts.group,
    "port": live_facts.port,
    "process": live_facts.process,
    "command": live_facts.command,
    "addr": live_facts.addr,
    "dns": live_facts.dns,
    "http": live_facts.http,
    "interface": live_facts.interface,
    "mount": live_facts.mount,
    "kernel-param": live_facts.kernel_param,
    "service": _service,
    "matching": _matching,
}
