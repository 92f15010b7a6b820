"""What each cell was in the last rounds, what changed, and what changes too often."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_lucid.report.model import CellRecord, Outcome

    Key = tuple[str, str, str, str]

ROUNDS = 10
# More changes than these within ROUNDS: the cell is flapping.
STEADY_CHANGES = 3


@dataclass(frozen=True)
class Change:
    """A cell whose outcome differs from that of the round before; `before` is None for a cell that is new."""

    cell: CellRecord
    before: Outcome | None
    flapping: bool


@dataclass(frozen=True)
class History:
    """The outcomes of each cell in the last `ROUNDS` rounds, the oldest first."""

    outcomes: Mapping[Key, tuple[Outcome, ...]] = field(default_factory=dict)

    def after(self, cells: Iterable[CellRecord], *, whole: bool = True) -> tuple[History, tuple[Change, ...]]:
        """The history with one more round, and what changed in that round between green and red.

        A `whole` round forgets the cells that it did not have; the others stay as they were. A cell that is new counts
        as changed where it is red.
        """
        now = {} if whole else dict(self.outcomes)
        changes = []
        for cell in cells:
            known = self.outcomes.get(cell.key, ())
            now[cell.key] = (*known, cell.outcome)[-ROUNDS:]
            before = known[-1] if known else None
            if cell.outcome.is_red != (before is not None and before.is_red):
                changes.append(Change(cell, before, _is_flapping(now[cell.key])))
        return History(now), tuple(changes)

    @property
    def flapping(self) -> tuple[Key, ...]:
        """The cells that changed more than `STEADY_CHANGES` times, sorted."""
        return tuple(sorted(key for key, outcomes in self.outcomes.items() if _is_flapping(outcomes)))


def _is_flapping(outcomes: tuple[Outcome, ...]) -> bool:
    return sum(one.is_red != other.is_red for one, other in pairwise(outcomes)) > STEADY_CHANGES
