"""What the watcher knows after its last round."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_lucid.watch.history import History

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.report.model import CellRecord, RunReport
    from pytest_lucid.watch.history import Change, Key
    from pytest_lucid.watch.round import Outcomes

# A result that is older than so many pauses and rounds says nothing about now.
STALE_PERIODS = 3


@dataclass(frozen=True)
class Status:
    """The newest outcome of every cell; `every` is the pause between rounds in seconds, times are those of time.time().

    `problem` is why the last round could not be made, "" where it was.
    """

    every: float
    report: RunReport | None = None
    page: str = ""
    cells: Mapping[Key, CellRecord] = field(default_factory=dict)
    history: History = field(default_factory=History)
    problem: str = ""
    ended: float | None = None
    rounds: int = 0

    def is_healthy(self, now: float) -> bool:
        """Whether the last whole round is new enough and nothing has been red since."""
        if self.problem or self.report is None or self.ended is None:
            return False
        if now - self.ended > STALE_PERIODS * (self.every + self.report.run.seconds):
            return False
        return not any(cell.outcome.is_red for cell in self.cells.values())

    def after(self, found: Outcomes, now: float, *, whole: bool) -> tuple[Status, tuple[Change, ...]]:
        """The status after a round over everything, or over one container only, and what changed."""
        history, changes = self.history.after(found.report.cells, whole=whole)
        cells = {cell.key: cell for cell in found.report.cells}
        if not whole:
            return replace(self, cells={**self.cells, **cells}, history=history), changes
        status = replace(self, report=found.report, page=found.page, cells=cells, history=history, problem="")
        return replace(status, ended=now, rounds=self.rounds + 1), changes
