"""What a check saw, in words: of a comparison that did not hold, and of pytest's message for any other claim."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN_ITEMS, _SHOWN_CHARACTERS = 6, 300
_ORDER = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}
_FOUND = re.compile(r"^(?:found |missing: |not expected: |.* is not in )", re.MULTILINE)
# pytest's own notes: where a value came from, and that it left something out.
_NOTE = re.compile(r"^\s*(?:\+ |\.\.\.(?:Full output| ))|^\s*$")


def compared(operator: str, left: object, right: object) -> list[str]:
    """Say in lines why `left operator right` does not hold, `left` being what was found."""
    match left, right:
        case Mapping(), Mapping() if operator == "==":
            names = sorted({*left, *right}, key=str)
            differing = [name for name in names if name not in left or name not in right or left[name] != right[name]]
            return _lines(f"found {name}: {_of(left, name)}, expected {_of(right, name)}" for name in differing)
        case AbstractSet(), AbstractSet() if operator in {"==", "<=", ">="}:
            missing = right - left if operator != "<=" else ()
            surplus = left - right if operator != ">=" else ()
            parts = [f"missing: {_listed(missing)}"] if missing else []
            return [*parts, f"not expected: {_listed(surplus)}"] if surplus else parts
        case _ if operator in {"in", "not in"}:
            return [_of_membership(operator, left, right)]
        case _ if operator in _ORDER:
            return [f"found {_shown(left)}, expected {_ORDER[operator]} {_shown(right)}"]
        case _ if operator in {"==", "is"}:
            return [f"found {_shown(left)}, expected {_shown(right)}"]
    return [f"found {_shown(left)}, expected another value"]


def _of_membership(operator: str, left: object, right: object) -> str:
    if operator == "not in":
        return f"found {_shown(left)} in {_shown(right)}"
    if isinstance(right, (Mapping, Sequence, AbstractSet)) and not right:
        return f"missing: {_shown(left)}; found nothing"
    return f"{_shown(left)} is not in {_shown(right)}"


def said(message: str) -> str:
    """What the text of an AssertionError says was seen: the check's own message, and a comparison in words."""
    own, asserted, explanation = message.partition("assert ") if message.startswith("assert ") else _parted(message)
    lines = [line.strip() for line in explanation.splitlines()]
    kept = [line for line in lines if not _NOTE.match(line) and not line.startswith("+ ")]
    if not asserted:
        return own.strip()
    if kept and _FOUND.match(kept[0]):
        return "\n".join(filter(None, (*kept, own.strip())))
    return own.strip() or _value(" ".join(kept), explanation)


def _parted(message: str) -> tuple[str, str, str]:
    own, asserted, explanation = message.rpartition("\nassert ")
    return (own, asserted, explanation) if asserted else (message, "", "")


def _value(claim: str, explanation: str) -> str:
    """What a claim without a comparison saw: `not [...]`, or a value that is not true."""
    if claim.startswith("not "):
        return f"found {_plain(claim.removeprefix('not '))}"
    if source := re.search(r"where \S+ = .*?\.(\w+)(\(.*\))?$", explanation, re.MULTILINE):
        return f"found {source[1]}: {claim}"
    return f"found {claim}"


def _plain(text: str) -> str:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return _listed(value) if isinstance(value, (list, tuple, set, frozenset)) and value else text


def _of(values: Mapping[object, object], name: object) -> str:
    return _shown(values[name]) if values.get(name) is not None else "nothing"


def _listed(values: Iterable[object]) -> str:
    items = list(values) if isinstance(values, Sequence) else sorted(values, key=str)
    more = f" and {len(items) - _SHOWN_ITEMS} more" if len(items) > _SHOWN_ITEMS else ""
    return ", ".join(str(item)[:_SHOWN_CHARACTERS] for item in items[:_SHOWN_ITEMS]) + more


def _lines(lines: Iterable[str]) -> list[str]:
    made = list(lines)
    return [*made[:_SHOWN_ITEMS], f"and {len(made) - _SHOWN_ITEMS} more"] if len(made) > _SHOWN_ITEMS else made


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, (set, frozenset)):
        return _listed(value) or "nothing"
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
