"""Log lines for people: without what the run itself caused, and JSON said as time, level and message."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# As requests of a run call themselves: User-Agent, and the beginning of X-Request-ID.
AGENT = "pytest-lucid"
_TIMES = ("timestamp", "time", "ts")
_LEVELS = ("level", "severity", "lvl")
_MESSAGES = ("message", "msg")
# Seconds are enough, and the day is that of the run.
_CLOCK = slice(11, 19)

# A line of a request that the run made is of interest where it tells of a defect. In doubt it is shown.
_TROUBLE = re.compile(r"\b(?:warn(?:ing)?|error|critical|fatal|exception|traceback|5\d\d)\b", re.IGNORECASE)


def without_own(lines: Iterable[str]) -> tuple[list[str], int]:
    """The lines but for those of requests that a run made and that went well, and how many these are."""
    lines = list(lines)
    kept = [line for line in lines if AGENT not in line or _TROUBLE.search(line)]
    return kept, len(lines) - len(kept)


def short(line: str) -> str:
    """A JSON object with a message as `12:00:01 INFO message`; any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return line
    message = _first(entry, _MESSAGES)
    if not message:
        return line
    time = _first(entry, _TIMES)
    clock = time[_CLOCK] if time[_CLOCK].count(":") == 2 else time  # noqa: PLR2004 - hours, minutes, seconds
    return " ".join(filter(None, (clock, _first(entry, _LEVELS), message)))


def _first(entry: dict[str, object], names: tuple[str, ...]) -> str:
    return next((str(entry[name]) for name in names if entry.get(name)), "")
