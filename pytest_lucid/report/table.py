"""The table of a run: a row for each service, a column for each area of checks, as wide as the terminal allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import area_name, areas_of, badness, counted, subjects
from pytest_lucid.report.lines import BAD, GOOD, QUIET, TITLE, WARNING, Line, cut_amid, wrapped
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_lucid.report.model import CellRecord, RunReport

    Rows = Mapping[str, Sequence[CellRecord]]

MOST_GREEN_ROWS = 11
SIGNS = {
    Outcome.ERROR: "!", Outcome.FAILED: "✗", Outcome.UNJUDGED: "·", Outcome.KNOWN: "k", Outcome.BELOW: "b",
    Outcome.WAIVED: "w", Outcome.SKIPPED: "s", Outcome.PASSED: "✓",
}  # fmt: skip
_NARROWEST_NAME = 16


@dataclass(frozen=True)
class _Form:
    """How to say a table: the words for areas, those for the cells of one area, and what stands beside the table.

    `folded` tells what is about no service below the table, and leaves out areas of which every cell was skipped (the
    reasons stand elsewhere); `short` says only once, above them, how the names of all services begin.
    """

    heading: Callable[[str], str]
    text: Callable[[Sequence[CellRecord]], str]
    folded: bool = True
    short: bool = False


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
    # As the details below: the worst first, and equals in the order of the matrix.
    shown = dict(sorted(shown.items(), key=lambda row: [-each for each in badness(row[1])]))
    lines = _fitting(shown, areas_of(cell for cells in shown.values() for cell in cells), width)
    hidden = [name for name in groups if name not in shown]
    if hidden:
        lines.append(Line(f"and {len(hidden)} more without a failure", GOOD if len(hidden) == len(green) else QUIET))
    outcomes = {cell.outcome for cell in report.cells}
    legend = ", ".join(f"{SIGNS[outcome]} {outcome.words}" for outcome in reversed(Outcome) if outcome in outcomes)
    checks = len({cell.check for cell in report.cells})
    rows = len({service.name for service in report.services})
    sizes = f"{_several(len(report.cells), 'cell')} of {_several(checks, 'check')} and {_several(rows, 'service')}"
    totals = f"{sizes}: {counted(report.cells)}"
    return [*lines, Line(""), Line(legend, QUIET), *wrapped(totals, width, "  ", TITLE, first="")]


def _several(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _fitting(rows: Rows, areas: Sequence[str], width: int) -> list[Line]:
    """The most telling of several forms that is narrow enough."""
    beginning = _beginning(rows)
    for form in (
        _Form(area_name, _all_counts, folded=False), _Form(area_name, _all_counts), _Form(area_name, _worst_counts),
        _Form(area_name, _worst_counts, short=True), _Form(str, _worst_counts, short=True),
        _Form(str, _worst, short=True),
    ):  # fmt: skip
        shown, columns = _kept(rows, areas) if form.folded else (rows, areas)
        titles = [form.heading(area) for area in columns]
        body = {name: [form.text(_of(cells, area)) for area in columns] for name, cells in shown.items()}
        widths = [max(map(len, each)) for each in zip(titles, *body.values(), strict=True)]
        left = width - sum(each + 2 for each in widths)
        start = beginning if form.short else ""
        names = {name: name.removeprefix(start) for name in shown}
        longest = max(map(len, (*names.values(), start)))
        if left >= longest:
            break
    size = min(longest, max(left, _NARROWEST_NAME))

    def line(name: str, cells: Sequence[str]) -> str:
        texts = "  ".join(cell.rjust(each) for cell, each in zip(cells, widths, strict=True))
        return f"{cut_amid(name, size):{size}}  {texts}".rstrip()

    lines = [Line(line(start, titles), TITLE)]
    lines += [Line(line(names[name], cells), _style(rows[name])) for name, cells in body.items()]
    for name, cells in rows.items():
        if name not in shown:
            counts = ", ".join(f"{area_name(area)} {_all_counts(_of(cells, area))}" for area in areas_of(cells))
            lines += wrapped(f"{name}: {counts}", width, "    ", _style(cells), first="")
    if form.heading is not area_name:
        codes = ", ".join(f"{area} {name}" for area in columns if (name := area_name(area)) != area)
        lines += wrapped(codes, width, "", QUIET)
    return lines


def _kept(rows: Rows, areas: Sequence[str]) -> tuple[Rows, Sequence[str]]:
    """The rows of services and the areas that say something of these; what is left out is named below the table."""
    services = {name: cells for name, cells in rows.items() if any(cell.service for cell in cells)}
    cells = [cell for row in services.values() for cell in row if cell.outcome is not Outcome.SKIPPED]
    columns = [area for area in areas if _of(cells, area)]
    return (services, columns) if columns else (rows, areas)


def _beginning(rows: Rows) -> str:
    """How the names of all services begin, up to a dash."""
    words = [name.split("-")[:-1] for name, cells in rows.items() if any(cell.service for cell in cells)]
    same = takewhile(lambda each: len(set(each)) == 1, zip(*words, strict=False))
    return "".join(f"{each[0]}-" for each in same) if len(words) > 1 else ""


def _of(cells: Sequence[CellRecord], area: str) -> list[CellRecord]:
    return [cell for cell in cells if cell.area == area]


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
    for outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.UNJUDGED):
        if counts[outcome]:
            red = sum(counts[each] for each in Outcome if each.is_red)
            return f"{red}{SIGNS[outcome]}/{len(cells)}"
    return f"{counts[Outcome.PASSED]}{SIGNS[Outcome.PASSED]}" if counts[Outcome.PASSED] else _worst(cells)


def _worst(cells: Sequence[CellRecord]) -> str:
    return SIGNS[max((cell.outcome for cell in cells), key=lambda outcome: outcome.rank)] if cells else ""
