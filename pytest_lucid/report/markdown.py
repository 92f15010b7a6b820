"""A report as Markdown, for the summary of a job: the table, what is wrong by service, and what to do."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import area_name, areas_of, badness, counted, subjects
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
    groups, told = subjects(report), set(report.told)
    for subject, cells in groups.items():
        yield (
            " | ".join((f"| {_text(subject)}", *(_mark([c for c in cells if c.area == area]) for area in areas))) + " |"
        )
    red = {subject: [cell for cell in cells if cell in told] for subject, cells in groups.items()}
    for subject, cells in sorted(red.items(), key=lambda group: [-each for each in badness(group[1])]):
        if cells:
            yield f"\n<details><summary>{html.escape(subject)}: {counted(cells)}</summary>\n"
            for cell in cells:
                yield from _told(cell)
            yield "\n</details>"
    waived = [cell for cell in report.cells if cell.outcome is Outcome.WAIVED]
    if waived:
        yield f"\n{len(waived)} cells are waived:\n"
        reasons = dict.fromkeys((cell.check, cell.until or "", cell.reason) for cell in waived)
        yield from (f"- {_text(check)}, until {_text(until)}: {_text(reason)}" for check, until, reason in reasons)


def _told(cell: CellRecord) -> Iterator[str]:
    yield f"- **{_text(cell.name)}** ({cell.severity}): {_text(cell.claim)}"
    found = [f"{place}: {place.message}" for place in cell.places] or cell.seen.splitlines()
    yield from (f"  - {_text(line)}" for line in found)
    if cell.outcome is Outcome.FAILED:
        yield f"  - Remedy: {_text(cell.remedy)}"


def _mark(cells: Sequence[CellRecord]) -> str:
    red = sum(cell.outcome.is_red for cell in cells)
    if red:
        return f"❌ {red} of {len(cells)}"
    return f"✅ {len(cells)}" if cells else ""


def _text(text: str) -> str:
    """Text that is no Markdown and no HTML, on one line."""
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False)).replace("@", "&#64;")
