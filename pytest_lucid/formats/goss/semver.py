"""Versions and ranges of versions, as the Go library reads them that goss uses for `semver-constraint`.

A range is `>1.0.0 <2.0.0 !=1.5.0 || >=3.0.0`: alternatives of conditions. `1.2.x` and `1.x` stand for all with that
beginning.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_NUMBER = r"(0|[1-9]\d{0,18})"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-((?:[0-9A-Za-z-]+)(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_CONDITION = re.compile(r"(==?|!=?|[<>]=?|)\s*([0-9][^\s|<>=!]*)")
_WILDCARD = re.compile(rf"{_NUMBER}\.(?:{_NUMBER}\.)?[xX*](?:\.[xX*])?")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "": operator.eq, "=": operator.eq, "==": operator.eq, "!": operator.ne, "!=": operator.ne,
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip

Version = tuple[Any, ...]


def version(said: str) -> Version:
    """Read a version as something that can be compared. Raises ValueError for what is none."""
    match = _VERSION.fullmatch(said)
    if not match:
        raise ValueError(f"{said!r} is no version such as 1.2.3")
    numbers = tuple(int(part) for part in match.groups()[:3])
    before = match[4].split(".") if match[4] else []
    if any(part.isdigit() and part[0] == "0" and part != "0" for part in before):
        raise ValueError(f"{said!r} is no version: a number begins with 0")
    # Numbers come before words, and a version with such parts before the one without.
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in before)
    return (*numbers, 0 if parts else 1, parts)


def constraint(said: str) -> Callable[[Version], bool]:
    """Read a range. Raises ValueError for what is none."""
    alternatives = [_all_of(part) for part in said.split("||")]
    return lambda found: any(holds(found) for holds in alternatives)


def _all_of(said: str) -> Callable[[Version], bool]:
    conditions: list[Callable[[Version], bool]] = []
    at = 0
    said = said.strip()
    while at < len(said) or not conditions:
        match = _CONDITION.match(said, at)
        if not match:
            raise ValueError(f"{said!r} is no range of versions such as '>=1.0.0 <2.0.0'")
        conditions.append(_condition(match[1], match[2]))
        at = match.end()
        at += len(said[at:]) - len(said[at:].lstrip())
    return lambda found: all(holds(found) for holds in conditions)


def _condition(compare: str, said: str) -> Callable[[Version], bool]:
    wildcard = _WILDCARD.fullmatch(said)
    if not wildcard:
        limit = version(said)
        return lambda found: _COMPARE[compare](found, limit)
    beginning = tuple(int(part) for part in wildcard.groups() if part is not None)
    following = (*beginning[:-1], beginning[-1] + 1)

    def begins(found: Version) -> bool:
        numbers = found[: len(beginning)]
        if compare in {"", "=", "=="}:
            return bool(numbers == beginning)
        if compare in {"!", "!="}:
            return bool(numbers != beginning)
        # `>1.2.x` begins with 1.3.0, and `<=1.2.x` ends before it.
        limit = following if compare in {">", "<="} else beginning
        return bool(numbers >= limit if compare[0] == ">" else numbers < limit)

    return begins
