"""Log lines for people: what a service logs as JSON is said as time, level and message."""

from __future__ import annotations

import json

_TIMES = ("timestamp", "time", "ts")
_LEVELS = ("level", "severity", "lvl")
_MESSAGES = ("message", "msg")
# Seconds are enough, and the day is that of the run.
_CLOCK = slice(11, 19)


def short(line: str) -> str:
    """A JSON object with a message as `12:00:01 INFO message`; any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        told = json.loads(line)
    except ValueError:
        return line
    message = _first(told, _MESSAGES)
    if not message:
        return line
    time = _first(told, _TIMES)
    clock = time[_CLOCK] if time[_CLOCK].count(":") == 2 else time  # noqa: PLR2004 - hours, minutes, seconds
    return " ".join(filter(None, (clock, _first(told, _LEVELS), message)))


def _first(told: dict[str, object], names: tuple[str, ...]) -> str:
    return next((str(told[name]) for name in names if told.get(name)), "")
