"""From TOML files to a Matrix; every mistake becomes one message with file, line and expectation."""

from __future__ import annotations

import reprlib
from bisect import bisect_left
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pytest_lucid.config import toml
from pytest_lucid.config.text_file import read_text
from pytest_lucid.errors import ConfigError
from pytest_lucid.matrix.model import Matrix

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
    "platform": "platform.toml",
}
NOTHING = "nothing"
# Lists of tables that are merged by their names, and not replaced.
MERGED_ROWS = ("service", "forbidden")
EXPECTED = "a service matrix in TOML"
MOST_PROBLEMS = 20
LONGEST_STATEMENT = 200
# The parser takes time by the square of the parts of a dotted key.
LONGEST_LINE = 20_000


# What was written there, however long or deep it is.
_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 200
_SHOWN.maxlevel = 3


def load_matrix(file: Path | None) -> Matrix:
    """Read the matrix: `file`, on top of the packaged ones that it `extends` (`lucid` unless given, or several).

    Tables are merged key by key, services by their name. Raises ConfigError with file, line and what was expected.
    """
    if file is None:
        return Matrix.model_validate(_packaged("lucid")).inherited()
    text, own, merged = _read(file)
    try:
        return Matrix.model_validate(merged).inherited()
    except ValidationError as error:
        details = error.errors()
        # A list with a wrong item is reported as too short as well: only the innermost problem helps.
        outer = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
        inner = [detail for detail in details if detail["loc"] not in outer]
        lines = _Lines(text)
        problems = [_describe(detail, merged, own, lines, file) for detail in inner[:MOST_PROBLEMS]]
        if len(inner) > MOST_PROBLEMS:
            problems.append(f"{file}: and {len(inner) - MOST_PROBLEMS} more")
        raise ConfigError("\n".join(problems)) from error


def merged_document(file: Path | None) -> dict[str, Any]:
    """What `load_matrix` validates: the tables of `file` on top of what it extends. Raises ConfigError likewise."""
    return _packaged("lucid") if file is None else _read(file)[2]


def _read(file: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The text of `file`, its tables, and these merged with what it extends."""
    text = read_text(file, EXPECTED)
    if any(len(line) > LONGEST_LINE for line in text.splitlines()):
        raise ConfigError(f"{file}: a line is longer than {LONGEST_LINE} characters; expected {EXPECTED}")
    try:
        own = toml.loads(text)
    except toml.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{file}: nested too deeply; expected {EXPECTED}") from error
    merged = own
    extends = own.pop("extends", "lucid")
    if extends != NOTHING:
        names = extends if isinstance(extends, list) else [extends]
        if not names or not all(isinstance(name, str) and name in PROFILES for name in names):
            expected = ", ".join(f'"{name}"' for name in (*PROFILES, NOTHING))
            line = _Lines(text).of(("extends",))
            raise ConfigError(
                f"{file}:{line}: extends: expected one or several of {expected}, got {_SHOWN.repr(extends)}"
            )
        base: dict[str, Any] = {}
        for name in names:
            base = _merge(base, _packaged(name))
        merged = _merge(base, own)
    return text, own, merged


def _packaged(name: str) -> dict[str, Any]:
    own = toml.packaged("pytest_lucid.matrix", PROFILES[name])
    merged: dict[str, Any] = {}
    for extended in own.pop("extends", ()):
        merged = _merge(merged, _packaged(extended))
    return _merge(merged, own)


def _merge(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    merged = deepcopy(base)
    for key, value in own.items():
        if key in MERGED_ROWS and isinstance(value, list):
            merged[key] = _merge_rows(merged.get(key, []), value)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _merge_rows(base: list[Any], own: list[Any]) -> list[Any]:
    rows = {row["name"]: row for row in base}
    nameless = [row for row in own if not _name(row)]
    for row in own:
        if name := _name(row):
            rows[name] = {**rows.get(name, {}), **row}
    return [*rows.values(), *nameless]


def _name(row: object) -> str | None:
    name = row.get("name") if isinstance(row, dict) else None
    return name if isinstance(name, str) else None


def line_of(file: Path, path: Sequence[str | int]) -> int:
    """Return the line of a valid file on which what `path` leads to, such as ("ignore", 2), is written; 1 where not."""
    return _Lines(read_text(file, EXPECTED)).of(path)


def _describe(detail: ErrorDetails, merged: dict[str, Any], own: dict[str, Any], lines: _Lines, file: Path) -> str:
    path: tuple[str | int, ...] = detail["loc"]
    if at := detail.get("ctx", {}).get("at"):
        path = tuple(int(step) if step.isdigit() else step for step in at.split("."))
    where, name = path, None
    if len(path) > 1 and path[0] in MERGED_ROWS and isinstance(path[1], int):
        row = merged[str(path[0])][path[1]]
        name = _name(row)
        where = (path[0], _index(own.get(str(path[0]), []), row), *path[2:])
    label = ".".join(str(step) for step in path[2:]) if name else ".".join(str(step) for step in path)
    subject = f'{path[0]} "{name}": {label}' if name else label
    return f"{file}:{lines.of(where)}: {subject}: {_expectation(detail)}"


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
            return f"expected {message}, got {_SHOWN.repr(detail['input'])}"
        case _:
            expected = message.replace("Input should", "expected it to", 1)
            return f"{expected}, got {_SHOWN.repr(detail['input'])}"


def _index(rows: list[dict[str, Any]], row: dict[str, Any]) -> int:
    named = [index for index, candidate in enumerate(rows) if _name(candidate) == _name(row)]
    # Of two rows with one name the later is the mistake.
    return named[-1] if named else 0


class _Lines:
    """Finds the line on which a statement begins. TOML parsers keep no positions, so the real parser is asked."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._whole = toml.loads(text)
        # After which lines a statement is complete. One of more lines than anybody writes ends the search.
        self._ends = [0]
        for count in range(1, len(self._lines) + 1):
            if count - self._ends[-1] > LONGEST_STATEMENT:
                break
            with suppress(toml.TOMLDecodeError):
                toml.loads("\n".join(self._lines[self._ends[-1] : count]))
                self._ends.append(count)

    def of(self, path: Sequence[str | int]) -> int:
        """Return the line on which the statement that defines `path`, or the nearest part of it that exists, begins."""
        while path and not _contains(self._whole, path):
            path = path[:-1]
        if not path:
            return 1
        # What the first statements contain, more statements contain, too.
        index = bisect_left(range(len(self._ends)), True, key=lambda i: self._says(self._ends[i], path))  # noqa: FBT003 - looks for the first that does
        start = self._ends[max(0, index - 1)]
        return next(
            (n for n in range(start + 1, len(self._lines) + 1) if not _is_blank(self._lines[n - 1])), len(self._lines)
        )

    def _says(self, count: int, path: Sequence[str | int]) -> bool:
        return _contains(toml.loads("\n".join(self._lines[:count])), path)


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _contains(document: object, path: Sequence[str | int]) -> bool:
    for step in path:
        try:
            document = document[step]  # type: ignore[index]  # a mismatch of shape means that it is not there
        except (KeyError, IndexError, TypeError):
            return False
    return True
