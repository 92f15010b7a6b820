"""The functions of templates: those of Go, goss's own, and those of Sprig that such files use."""

from __future__ import annotations

import json
import operator
import os
import re
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_lucid.config.text_file import read_text
from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.go_regex import compiled
from pytest_lucid.formats.goss.values import printed, same

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 100_000
_VERB = re.compile(r"%([%svdq]|.?)", re.DOTALL)


def is_true(value: Any) -> bool:
    """Whether Go's templates take it for true: not empty, not zero, not nothing."""
    return bool(value)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, list):
            value = value[_whole(key)]
        elif isinstance(value, dict):
            value = value.get(key)
        else:
            raise TypeError(f"{printed(value)} has no parts; expected a list or a mapping")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"expected a number from 0, got {printed(value)}")
    return value


def _equal(first: Any, *others: Any) -> bool:
    if not others:
        raise TypeError("expected two values")
    return any(same(first, other) for other in others)


def _and(*values: Any) -> Any:
    return next((value for value in values if not is_true(value)), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if is_true(value)), values[-1])


def _printf(form: str, *values: Any) -> str:
    left = list(values)

    def one(match: re.Match[str]) -> str:
        if match[1] == "%":
            return "%"
        if match[1] not in {"s", "v", "d", "q"}:
            raise ValueError(f"{match[0]} is not supported here; supported: %s %v %d %q %%")
        value = left.pop(0)
        return json.dumps(printed(value), ensure_ascii=False) if match[1] == "q" else printed(value)

    return _VERB.sub(one, form)


def _get_env(name: str, default: str = "") -> str:
    return os.environ.get(name) or default


def _submatches(pattern: str, text: str) -> Any:
    match = compiled(pattern).search(text)
    if not match:
        return {}
    return match.groupdict() or {str(at): match[at] or "" for at in range(len(match.groups()) + 1)}


def _repeat(count: Any, text: str) -> str:
    if _whole(count) * len(text) > _MOST:
        raise ValueError("that is too much text")
    return text * int(count)


def _until(count: Any) -> list[int]:
    if _whole(count) > _MOST:
        raise ValueError("those are too many")
    return list(range(int(count)))


def _sum(*values: int) -> int:
    return sum(values)


def _number(value: Any) -> int:
    return int(float(value))


def _text_of_file(name: str) -> str:
    try:
        return read_text(Path(name), "a text").strip()
    except ConfigError as error:
        raise ValueError(str(error)) from error


FUNCTIONS: dict[str, Callable[..., Any]] = {
    # Go's
    "and": _and, "or": _or, "not": lambda value: not is_true(value), "len": len, "index": _index,
    "eq": _equal, "ne": lambda first, second: not same(first, second),
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "print": lambda *values: "".join(map(printed, values)),
    "println": lambda *values: " ".join(map(printed, values)) + "\n", "printf": _printf,
    # goss's
    "mkSlice": lambda *values: list(values), "getEnv": _get_env, "readFile": _text_of_file,
    "regexMatch": lambda pattern, text: bool(compiled(pattern).search(text)),
    "toLower": str.lower, "toUpper": str.upper, "findStringSubmatch": _submatches,
    # Sprig's
    "list": lambda *values: list(values), "get": lambda mapping, key: mapping.get(key, ""),
    "hasKey": lambda mapping, key: key in mapping, "keys": sorted,
    "default": lambda default, value=None: value if is_true(value) else default,
    "empty": lambda value: not is_true(value), "ternary": lambda yes, no, value: yes if is_true(value) else no,
    "upper": str.upper, "lower": str.lower, "trim": str.strip, "title": str.title,
    "trimPrefix": lambda part, text: text.removeprefix(part),
    "trimSuffix": lambda part, text: text.removesuffix(part),
    "contains": lambda part, text: part in text, "hasPrefix": lambda part, text: text.startswith(part),
    "hasSuffix": lambda part, text: text.endswith(part),
    "replace": lambda old, new, text: text.replace(old, new), "repeat": _repeat,
    "quote": lambda *values: " ".join(json.dumps(printed(value), ensure_ascii=False) for value in values),
    "squote": lambda *values: " ".join(f"'{printed(value)}'" for value in values),
    "join": lambda by, values: by.join(map(printed, values)), "splitList": lambda by, text: text.split(by),
    "first": lambda values: values[0], "last": lambda values: values[-1], "has": lambda value, values: value in values,
    "int": _number, "toString": printed, "env": lambda name: os.environ.get(name, ""), "until": _until,
    "add": _sum, "sub": lambda first, second: first - second,
    "mul": lambda *values: reduce(operator.mul, values, 1),
}  # fmt: skip
