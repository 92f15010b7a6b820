"""A report as Markdown, for the summary of a job: the table, what is wrong by service, and what to do."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import area_name, areas_of, counted, subjects
from pytest_lucid.report.groups import red_groups, waived
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_lucid.report.model import CellRecord, RunReport

# GitHub takes a summary of 1 MiB.
MOST_CHARACTERS = 500_000
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~>-])")


def write(report: RunReport) -> str:
    """At most some 500 000 characters; what is left out is said."""
    text = "\n".join(_lines(report)) + "\n"
    if len(text) <= MOST_CHARACTERS:
        return text
    kept = text[:MOST_CHARACTERS].rpartition("\n\n")[0]
    return f"{kept}\n\n</details>\n\nThe rest is left out: see the other reports.\n"


def _lines(report: RunReport) -> Iterator[str]:
    yield f"## pytest-lucid: {counted(report.cells) or 'nothing was checked'}\n"
    areas = areas_of(report.cells)
    yield " | ".join(("| service", *(_text(area_name(area)) for area in areas))) + " |"
    yield "| --- " * (len(areas) + 1) + "|"
    groups = subjects(report)
    for subject, cells in groups.items():
        yield (
            " | ".join((f"| {_text(subject)}", *(_mark([c for c in cells if c.area == area]) for area in areas))) + " |"
        )
    for group in red_groups(report):
        state = f"; it is {html.escape(group.state)}" if group.following and group.state else ""
        yield f"\n<details><summary>{html.escape(group.subject)}: {counted(group.every)}{state}</summary>\n"
        for cell in group.cells:
            yield from _cell_lines(cell)
        if group.following:
            names = ", ".join(dict.fromkeys(_text(cell.check) for cell in group.following))
            yield f"- {len(group.following)} cells more not judged because of this: {names}"
        yield "\n</details>"
    if excused := waived(report):
        yield f"\n{report.count(Outcome.WAIVED)} cells are waived:\n"
        yield from (f"- {_text(check)}, until {_text(until)}: {_text(reason)}" for check, _, until, reason in excused)


def _cell_lines(cell: CellRecord) -> Iterator[str]:
    yield f"- **{_text(cell.name)}** ({cell.severity}): {_text(cell.claim)}"
    found = [f"{place}: {place.message}" for place in cell.places] or cell.seen.splitlines()
    yield from (f"  - {_text(line)}" for line in found)
    if cell.outcome is Outcome.FAILED:
        yield f"  - Remedy: {_text(cell.remedy)}"


def _mark(cells: Sequence[CellRecord]) -> str:
    red = sum(cell.outcome.is_red for cell in cells)
    if red:
        return f"❌ {red} of {len(cells)}"
    passed = sum(cell.outcome is Outcome.PASSED for cell in cells)
    return f"✅ {passed}" if passed else counted(cells)


def _text(text: str) -> str:
    """Text that is no Markdown and no HTML, on one line."""
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False)).replace("@", "&#64;")
