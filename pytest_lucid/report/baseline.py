"""What is new since an earlier run, what is fixed, and what is as it was.

A finding is a red cell or, where a cell has findings in files, each of these. Lines do not count: a finding that moves
within its file is the same one. Nor do the words of what was seen, which differ from run to run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_lucid.report.lines import BAD, GOOD, QUIET, TITLE, Line, cut, rule
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from pytest_lucid.report.model import CellRecord, RunReport

Key = tuple[str, str, str, str]
# The cell, the file and the message; the last two are empty for a cell without findings in files.
Identity = tuple[Key, str, str]
_BAD = frozenset({Outcome.FAILED, Outcome.ERROR, Outcome.UNJUDGED, Outcome.KNOWN, Outcome.BELOW})
_SHOWN = 20


@dataclass(frozen=True)
class Baseline:
    """The findings of an earlier run, with what people call each."""

    where: str
    findings: dict[Identity, str] = field(default_factory=dict)

    def knows(self, cell: CellRecord) -> bool:
        """Whether all that is wrong with a cell was wrong then."""
        return identities(cell).keys() <= self.findings.keys()


@dataclass(frozen=True)
class Comparison:
    """What people call each finding that is new, fixed, or unchanged; cells that were not run now are in none."""

    new: tuple[str, ...]
    fixed: tuple[str, ...]
    unchanged: tuple[str, ...]


def identities(cell: CellRecord) -> dict[Identity, str]:
    """The findings of a cell, with what people call each; none for one that is not bad."""
    if cell.outcome not in _BAD:
        return {}
    if not cell.places:
        return {(cell.key, "", ""): cell.name}
    return {
        (cell.key, place.file, place.message): f"{cell.check}: {place.file}: {place.message}" for place in cell.places
    }


def baseline_of(report: RunReport, where: str) -> Baseline:
    """The baseline that an earlier report is."""
    return Baseline(where, {identity: name for cell in report.cells for identity, name in identities(cell).items()})


def compare(baseline: Baseline, report: RunReport) -> Comparison:
    """What became of the findings of the baseline, and what came."""
    now = {identity: name for cell in report.cells for identity, name in identities(cell).items()}
    run = {cell.key for cell in report.cells if cell.outcome is not Outcome.SKIPPED}
    then = baseline.findings
    return Comparison(
        tuple(name for identity, name in now.items() if identity not in then),
        tuple(name for identity, name in then.items() if identity not in now and identity[0] in run),
        tuple(name for identity, name in now.items() if identity in then),
    )


def comparison_lines(comparison: Comparison, where: str, width: int) -> list[Line]:
    """The comparison for a terminal: counts, then what is new and what is fixed."""
    counts = f"{len(comparison.new)} new, {len(comparison.fixed)} fixed, {len(comparison.unchanged)} unchanged"
    lines = [Line(""), Line(cut(rule(f"Since {where}: {counts}", width), width), TITLE)]
    for sign, names, style in (("+ new", comparison.new, BAD), ("- fixed", comparison.fixed, GOOD)):
        lines += [Line(cut(f"  {sign}    {name}", width), style) for name in names[:_SHOWN]]
        if len(names) > _SHOWN:
            lines.append(Line(f"  and {len(names) - _SHOWN} more", QUIET))
    return lines
