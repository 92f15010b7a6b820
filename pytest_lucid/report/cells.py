"""A cell of the report: one check of one service, and how it came out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Outcome(IntEnum):
    """How a cell came out, from best to worst: of a test's phases the worst counts."""

    PASSED = 0
    SKIPPED = 1
    WAIVED = 2
    FAILED = 3
    ERROR = 4


@dataclass(frozen=True)
class Cell:
    """One check of one service on one host; None where the check is about the whole stack, or needs no host."""

    check: str
    service: str | None
    outcome: Outcome
    host: str | None = None
