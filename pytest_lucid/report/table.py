"""The table of a run: a row for each service, a column for each area of checks, as wide as the terminal allows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import area_name, areas_of, counted, subjects
from pytest_lucid.report.lines import BAD, GOOD, QUIET, TITLE, WARNING, Line, cut
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_lucid.report.model import CellRecord, RunReport

MOST_GREEN_ROWS = 14
SIGNS = {
    Outcome.ERROR: "!", Outcome.FAILED: "✗", Outcome.KNOWN: "k", Outcome.BELOW: "b", Outcome.WAIVED: "w",
    Outcome.SKIPPED: "s", Outcome.PASSED: "✓",
}  # fmt: skip
_NARROWEST_NAME = 16


def table(report: RunReport, width: int, *, every: bool = False) -> list[Line]:
    """The table: every row if all are green (the first of many) or `every` is asked for, otherwise those that are not.

    No line is longer than `width`, down to some 70 characters.
    """
    groups = subjects(report)
    if not groups:
        return []
    green = [name for name, cells in groups.items() if not any(cell.outcome.is_red for cell in cells)]
    shown = {name: cells for name, cells in groups.items() if every or name not in green}
    if not shown:
        shown = dict(list(groups.items())[: MOST_GREEN_ROWS if len(groups) > MOST_GREEN_ROWS + 1 else None])
    lines = _fitting(shown, areas_of(report.cells), width)
    hidden = [name for name in groups if name not in shown]
    if hidden:
        lines.append(Line(f"and {len(hidden)} more without a failure", GOOD if len(hidden) == len(green) else QUIET))
    outcomes = {cell.outcome for cell in report.cells}
    legend = ", ".join(f"{SIGNS[outcome]} {outcome.words}" for outcome in reversed(Outcome) if outcome in outcomes)
    checks = len({cell.check for cell in report.cells})
    totals = f"{checks} checks × {len({service.name for service in report.services})} services: {counted(report.cells)}"
    return [*lines, Line(""), Line(legend, QUIET), Line(totals, TITLE)]


def _fitting(rows: dict[str, list[CellRecord]], areas: Sequence[str], width: int) -> list[Line]:
    """The most telling of several forms that is narrow enough."""
    forms: tuple[tuple[Callable[[str], str], Callable[[Sequence[CellRecord]], str]], ...] = (
        (area_name, _all_counts), (area_name, _worst_counts), (str, _worst_counts), (str, _worst),
    )  # fmt: skip
    for heading, text in forms:
        titles = [heading(area) for area in areas]
        body = {
            name: [text([cell for cell in cells if cell.area == area]) for area in areas]
            for name, cells in rows.items()
        }
        widths = [max(len(row[at]) for row in (titles, *body.values())) for at in range(len(areas))]
        left = width - sum(each + 2 for each in widths)
        if left >= min(max(map(len, rows)), width):
            break
    name_width = min(max(map(len, rows)), max(left, _NARROWEST_NAME))

    def line(name: str, cells: Sequence[str]) -> str:
        columns = "  ".join(cell.rjust(size) for cell, size in zip(cells, widths, strict=True))
        return f"{cut(name, name_width):{name_width}}  {columns}".rstrip()

    lines = [Line(line("", titles), TITLE)]
    lines += [Line(line(name, cells), _style(rows[name])) for name, cells in body.items()]
    if heading is not area_name:
        told = ", ".join(f"{area} {name}" for area in areas if (name := area_name(area)) != area)
        lines.append(Line(cut(told, width), QUIET))
    return lines


def _style(cells: Sequence[CellRecord]) -> str:
    if any(cell.outcome.is_red for cell in cells):
        return BAD
    return WARNING if any(cell.outcome is Outcome.BELOW for cell in cells) else GOOD


def _all_counts(cells: Sequence[CellRecord]) -> str:
    counts = Counter(cell.outcome for cell in cells)
    return " ".join(f"{counts[outcome]}{SIGNS[outcome]}" for outcome in reversed(Outcome) if counts[outcome])


def _worst_counts(cells: Sequence[CellRecord]) -> str:
    """Red ones as red ones of all; otherwise what is not simply passed."""
    counts = Counter(cell.outcome for cell in cells)
    red = counts[Outcome.FAILED] + counts[Outcome.ERROR]
    if red:
        return f"{red}{SIGNS[Outcome.FAILED if counts[Outcome.FAILED] else Outcome.ERROR]}/{len(cells)}"
    return f"{counts[Outcome.PASSED]}{SIGNS[Outcome.PASSED]}" if counts[Outcome.PASSED] else _worst(cells)


def _worst(cells: Sequence[CellRecord]) -> str:
    return SIGNS[max((cell.outcome for cell in cells), key=lambda outcome: outcome.rank)] if cells else ""
