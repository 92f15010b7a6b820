"""The paths of gjson that name a value: `a.b`, `list.0.name`, `list.#`, `list.#.name`, `@this`. Nothing else of it."""

from __future__ import annotations

import json
import re
from typing import Any

from pytest_lucid.formats.goss.values import UnansweredError

_STEP = re.compile(r"((?:[^.\\]|\\.)+)(?:\.|$)")
_SPECIAL = re.compile(r"[*?|{}\[\]()!@]|^#.")


def steps(path: str) -> tuple[str, ...]:
    """Read a path. Raises ValueError for what is not supported here."""
    if path == "@this":
        return ()
    found = tuple(match[1] for match in _STEP.finditer(path))
    if ".".join(found) != path or not found:
        raise ValueError(f"{path!r} is no path of gjson such as list.0.name")
    for step in found:
        if _SPECIAL.search(re.sub(r"\\.", "", step)):
            raise ValueError(f"{step!r} in a path of gjson is not supported here; name keys, numbers, # or @this")
    return tuple(re.sub(r"\\(.)", r"\1", step) for step in found)


def extract(document: str, path: tuple[str, ...]) -> Any:
    """Return what is at the path of a JSON text. Raises UnansweredError for no JSON, and where nothing is."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise UnansweredError(f"it is no JSON: {error}") from error
    return _at(found, path, ".".join(path))


def _at(found: Any, path: tuple[str, ...], whole: str) -> Any:
    for at, step in enumerate(path):
        if isinstance(found, list) and step == "#":
            rest = path[at + 1 :]
            return [_at(each, rest, whole) for each in found] if rest else len(found)
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            raise UnansweredError(f"there is nothing at {whole}")
    return found
