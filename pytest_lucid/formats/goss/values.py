"""Values as Go prints them and goss converts them: text, numbers, lists. What is expected of them is not known here."""

from __future__ import annotations

from typing import Any


class UnansweredError(Exception):
    """Goss has no value to compare, or cannot compare it: that is a failure, also below `not`."""


def text(value: Any) -> str:
    """Return the value as goss makes a text of it: lists line by line."""
    return "\n".join(map(printed, value)) if isinstance(value, list) else printed(value)


def printed(value: Any) -> str:
    """Return the value as Go's `%v` prints it."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e21:  # noqa: PLR2004 - from there on Go writes an exponent
            return str(int(value))
        case list():
            return f"[{' '.join(map(printed, value))}]"
        case dict():
            return f"map[{' '.join(f'{key}:{printed(value[key])}' for key in sorted(value))}]"
        case _:
            return str(value)


def number(value: Any) -> float:
    """Return the value as a number. Raises UnansweredError for what is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, (str, list)):
        said = text(value).strip()
        try:
            return float(said) if "_" not in said else float("?")
        except ValueError:
            pass
    raise UnansweredError(f"{value!r} is no number")


def array(value: Any) -> list[Any]:
    """Return the value as a list: a text by its lines. Raises UnansweredError for what is neither."""
    if isinstance(value, str):
        return value.split("\n")
    if isinstance(value, list):
        return value
    raise UnansweredError(f"{value!r} is no list")


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, each of its own type: numbers by value, and never a text or a truth."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)
