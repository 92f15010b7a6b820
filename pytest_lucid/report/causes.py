"""One cause is reported once: of the red cells with one reason, one states it, and the others point to that one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import severity_rank
from pytest_lucid.report.model import CellRecord, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable


def linked(cells: Iterable[CellRecord]) -> tuple[CellRecord, ...]:
    """The cells in their order. A cell whose reason another one tells is not judged, and has its name as `cause`.

    The one that tells is of a check that decides; where none is red, the most severe of them.
    """
    cells = tuple(cells)
    groups: dict[tuple[str | None, str], list[CellRecord]] = {}
    for cell in cells:
        if cell.outcome.is_red and cell.about:
            groups.setdefault((cell.host, cell.about), []).append(cell)
    tellers = {place: min(group, key=_rank) for place, group in groups.items()}
    return tuple(_pointing(cell, tellers.get((cell.host, cell.about), cell)) for cell in cells)


def _pointing(cell: CellRecord, teller: CellRecord) -> CellRecord:
    if cell is teller or not cell.outcome.is_red:
        return cell
    return replace(cell, outcome=Outcome.UNJUDGED, cause=teller.name)


def _rank(cell: CellRecord) -> tuple[bool, int, tuple[str, str, str, str]]:
    return (not cell.decides, -severity_rank(cell.severity), cell.key)
