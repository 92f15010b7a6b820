"""The matrix as text: a row for each check, a column for each service, one character a cell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_lucid.report.cells import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.report.cells import Cell

# pytest's own letters; they need no special terminal.
LETTERS = {
    Outcome.PASSED: ".",
    Outcome.SKIPPED: "s",
    Outcome.WAIVED: "x",
    Outcome.FAILED: "F",
    Outcome.ERROR: "E",
}
STACK = "the stack as a whole"


def render_matrix(cells: Sequence[Cell], services: Sequence[str]) -> list[str]:
    """The lines of the matrix. Columns are in the order of `services`, the last is for checks of the whole stack.

    Rows are sorted, so that two runs of the same checks look the same.
    """
    outcomes = {(cell.check, cell.service): cell.outcome for cell in cells}
    checks = sorted({cell.check for cell in cells})
    columns = [*services, *([None] if any(cell.service is None for cell in cells) else [])]
    width = max(len(check) for check in checks)
    lines = []
    for index, column in enumerate(columns):
        bars = "".join("│ " for _ in range(index))
        lines.append(f"{'':{width}}  {bars}┌ {column or STACK}")
    for check in checks:
        found = (outcomes.get((check, column)) for column in columns)
        letters = (" " if outcome is None else LETTERS[outcome] for outcome in found)
        lines.append(f"{check:{width}}  {' '.join(letters)}".rstrip())
    counts = Counter(outcomes.values())
    legend = ", ".join(f"{counts[o]} {o.name.lower()} ({LETTERS[o]})" for o in Outcome if counts[o])
    return [*lines, "", f"{len(checks)} checks × {len(services)} services: {legend}"]
