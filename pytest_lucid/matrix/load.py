"""From TOML files to a Matrix; every mistake becomes one message with file, line and expectation."""

from __future__ import annotations

import sys
from copy import deepcopy
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pytest_lucid.errors import ConfigError
from pytest_lucid.matrix.model import Matrix

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

# Name of a matrix that comes with the package → its file. Phase 2 is what `lucid` means until a later one is.
PROFILES = {
    "distroless": "distroless.toml",
    "hardened": "hardened.toml",
    "lucid": "phase2.toml",
    "phase2": "phase2.toml",
}
NOTHING = "nothing"


def load_matrix(file: Path | None) -> Matrix:
    """Read the matrix: `file`, on top of the packaged ones that it `extends` (`lucid` unless given, or several).

    Tables are merged key by key, services by their name. Raises ConfigError with file, line and what was expected.
    """
    if file is None:
        return Matrix.model_validate(_packaged("lucid")).inherited()
    text = _read(file)
    try:
        own = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    merged = own
    extends = own.pop("extends", "lucid")
    if extends != NOTHING:
        names = extends if isinstance(extends, list) else [extends]
        if not names or not all(isinstance(name, str) and name in PROFILES for name in names):
            expected = ", ".join(f'"{name}"' for name in (*PROFILES, NOTHING))
            line = _line(text, ("extends",))
            raise ConfigError(f"{file}:{line}: extends: expected one or several of {expected}, got {extends!r}")
        base: dict[str, Any] = {}
        for name in names:
            base = _merge(base, _packaged(name))
        merged = _merge(base, own)
    try:
        return Matrix.model_validate(merged).inherited()
    except ValidationError as error:
        details = error.errors()
        # A list with a wrong item is reported as too short as well: only the innermost problem helps.
        inner = [d for d in details if not any(d["loc"] == o["loc"][: len(d["loc"])] for o in details if o is not d)]
        problems = [_describe(detail, merged, own, text, file) for detail in inner]
        raise ConfigError("\n".join(problems)) from error


def _packaged(name: str) -> dict[str, Any]:
    own = tomllib.loads((files("pytest_lucid.matrix") / PROFILES[name]).read_text("utf-8"))
    merged: dict[str, Any] = {}
    for extended in own.pop("extends", ()):
        merged = _merge(merged, _packaged(extended))
    return _merge(merged, own)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: no such file; expected a service matrix in TOML") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 (byte {error.start}); expected a service matrix in TOML") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error


def _merge(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = deepcopy(base)
    for key, value in own.items():
        if key == "service" and isinstance(value, list):
            merged[key] = _merge_services(merged.get(key, []), value)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _merge_services(base: list[Any], own: list[Any]) -> list[Any]:
    rows = {row["name"]: row for row in base}
    nameless = [row for row in own if not _name(row)]
    for row in own:
        if name := _name(row):
            rows[name] = {**rows.get(name, {}), **row}
    return [*rows.values(), *nameless]


def _name(row: object) -> str | None:
    name = row.get("name") if isinstance(row, dict) else None
    return name if isinstance(name, str) else None


def _describe(detail: ErrorDetails, merged: dict[str, Any], own: dict[str, Any], text: str, file: Path) -> str:
    path: tuple[str | int, ...] = detail["loc"]
    if at := detail.get("ctx", {}).get("at"):
        path = tuple(int(step) if step.isdigit() else step for step in at.split("."))
    where, name = path, None
    if path[:1] == ("service",) and len(path) > 1 and isinstance(path[1], int):
        name = _name(merged["service"][path[1]])
        where = ("service", _index(own, merged["service"][path[1]]), *path[2:])
    label = ".".join(str(step) for step in path[2:]) if name else ".".join(str(step) for step in path)
    subject = f'service "{name}": {label}' if name else label
    return f"{file}:{_line(text, where)}: {subject}: {_expectation(detail)}"


def _expectation(detail: ErrorDetails) -> str:
    message = detail["msg"]
    match detail["type"]:
        case "missing":
            return "expected this key, which is missing"
        case "extra_forbidden":
            return "not a key of the matrix; expected one that is documented"
        case "matrix":
            return f"expected {message}"
        case "path" | "certificate":
            return f"expected {message}, got {detail['input']!r}"
        case _:
            expected = message.replace("Input should", "expected it to", 1)
            return f"{expected}, got {detail['input']!r}"


def _index(own: dict[str, Any], row: dict[str, Any]) -> int:
    rows = own.get("service", [])
    named = [index for index, candidate in enumerate(rows) if _name(candidate) == _name(row)]
    # Of two rows with one name the later is the mistake.
    return named[-1] if named else 0


def _line(text: str, path: Sequence[str | int]) -> int:
    """Return the line on which the statement that defines `path` (or the nearest part of it that exists) begins.

    TOML parsers keep no positions, so the real parser is asked: the statement that makes `path` appear ends on the
    first line up to which the text parses and contains it, and begins after the last line up to which it parsed before.
    """
    lines = text.splitlines()
    while path and not _contains(tomllib.loads(text), path):
        path = path[:-1]
    if not path:
        return 1
    start = 1
    for count in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        if _contains(document, path):
            return next(n for n in range(start, count + 1) if lines[n - 1].strip() and lines[n - 1].strip()[0] != "#")
        start = count + 1
    return len(lines)


def _contains(document: object, path: Sequence[str | int]) -> bool:
    for step in path:
        try:
            document = document[step]  # type: ignore[index]  # a mismatch of shape means that it is not there
        except (KeyError, IndexError, TypeError):
            return False
    return True
