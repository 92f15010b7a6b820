"""What a terminal shows after a run: the table, then what is wrong, service by service, the worst first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import WHOLE, counted, severity_rank, told_together
from pytest_lucid.report.groups import red_groups, skipped, waived
from pytest_lucid.report.lines import BAD, PLAIN, QUIET, TITLE, WARNING, Line, cut, rule, wrapped
from pytest_lucid.report.loglines import short
from pytest_lucid.report.model import Outcome
from pytest_lucid.report.table import SIGNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_lucid.report.groups import Group
    from pytest_lucid.report.model import CellRecord, RunReport

MARGIN = "    "
_SHOWN_SEEN, _SHOWN_LOG, _SHOWN_SKIPPED = 12, 10, 5


def failures(report: RunReport, width: int, *, every: bool = False) -> list[Line]:
    """All that is red, by who it is about. Nothing is said twice; what only follows is said in full if `every`."""
    lines: list[Line] = []
    traced: set[str] = set()
    for group in red_groups(report):
        state = f"; it is {group.state}" if group.following and group.state else ""
        head = rule(f"{group.subject}: {counted(group.every)}{state}", width)
        lines += [Line(""), Line(cut(head, width), BAD)]
        lines += _cell_lines(group.every if every else group.cells, width, traced)
        if group.following and not every:
            lines += _following(group, width)
        lines += _evidence(group, width)
    return lines


def remedies(report: RunReport, width: int, *, every: bool = False) -> list[Line]:
    """What to do, once for each check, with the services that it concerns; the most severe first."""
    unjudged = {Outcome.UNJUDGED} if every else set()
    lines: list[Line] = []
    for title, outcomes in (
        ("What to do", {Outcome.FAILED, *unjudged}),
        (f"Below the threshold (--lucid-fail-on {report.run.fail_on}), so these do not fail the run", {Outcome.BELOW}),
    ):
        cells = [cell for cell in report.cells if cell.outcome in outcomes]
        if cells:
            lines += [Line(""), Line(cut(rule(title, width), width), TITLE), *_remedies(cells, width)]
    return lines


def excuses(report: RunReport, width: int) -> list[Line]:
    """The waivers that excused something, each with its last day and its reason; and what was skipped, and why."""
    lines: list[Line] = []
    for check, count, until, reason in waived(report):
        day = f" until {until}" if until else ""
        lines += wrapped(f"waived{day}: {check} ({_cells(count)}): {reason}", width, MARGIN, QUIET, first="")
    if lines:
        lines.insert(0, Line(""))
    reasons = skipped(report)
    for checks, count, reason in reasons[:_SHOWN_SKIPPED]:
        lines += wrapped(f"skipped: {checks} ({_cells(count)}): {reason}", width, MARGIN, QUIET, first="")
    if rest := sum(count for _, count, _ in reasons[_SHOWN_SKIPPED:]):
        lines.append(Line(f"skipped for other reasons: {_cells(rest)}; -rs shows them", QUIET))
    return lines


def findings(report: RunReport) -> list[str]:
    """Count the findings in files, by check and by file, the most first."""
    found = [(cell.check, place.file) for cell in report.cells for place in cell.places]
    lines = []
    for title, names in (("by check", [check for check, _ in found]), ("by file", [file for _, file in found])):
        counts = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
        lines += [title, *(f"{count:6}  {name}" for name, count in counts)]
    return [*lines, f"{len(found)} findings in {len({file for _, file in found})} files"]


def _cell_lines(cells: Sequence[CellRecord], width: int, traced: set[str]) -> Iterator[Line]:
    """Each claim, and what was seen instead; claims that saw the same share one entry."""
    for first, *others in told_together(cells):
        for cell in (first, *others):
            head = f"{SIGNS[cell.outcome]} {cell.check} ({cell.severity}) "
            yield from wrapped(cell.claim, width, MARGIN, first=f"  {head}")
        for place in first.places:
            yield from wrapped(f"{place}: {place.message}", width, MARGIN * 2, WARNING, first=f"{MARGIN}▸ ")
        if not first.places:
            seen = first.seen.splitlines() or ["(nothing was said)"]
            style = BAD if first.outcome is Outcome.ERROR else WARNING
            more = [f"and {len(seen) - _SHOWN_SEEN} lines more"] if len(seen) > _SHOWN_SEEN else []
            yield from wrapped("\n".join((*seen[:_SHOWN_SEEN], *more)), width, MARGIN * 2, style, first=f"{MARGIN}▸ ")
            where = ", ".join(dict.fromkeys(str(cell.source) for cell in (first, *others)))
            yield from wrapped(f"the check: {where}", width, MARGIN * 2, QUIET, first=MARGIN)
        for trace in dict.fromkeys(cell.trace for cell in (first, *others) if cell.trace):
            shown = [f"{MARGIN * 2}(the traceback is above)"] if trace in traced else trace.splitlines()
            yield from (Line(line) for line in shown)
            traced.add(trace)


def _following(group: Group, width: int) -> Iterator[Line]:
    """Name what is not judged because of the causes."""
    cells = _cells(len(group.following))
    yield Line(f"  {cells} more not judged because of this (-v tells of each):", PLAIN)
    yield from wrapped(", ".join(dict.fromkeys(cell.check for cell in group.following)), width, MARGIN, QUIET)


def _evidence(group: Group, width: int) -> Iterator[Line]:
    """What the container said last, once; a service of which only files were judged has said nothing."""
    service = group.service
    if service is None or service.status == "missing" or not any(cell.host for cell in group.every):
        return
    for title, output in (("health check", service.health_output), ("last log lines", service.log)):
        if output or title == "last log lines":
            yield Line(f"  {group.subject}: {title}{f' (it is {group.state})' if group.state else ''}", TITLE)
            lines = [short(line) for line in output[-_SHOWN_LOG:]] or ["(nothing logged)"]
            yield from (Line(cut(f"{MARGIN}{line}", 2 * width), PLAIN) for line in lines)


def _remedies(cells: Iterable[CellRecord], width: int) -> Iterator[Line]:
    checks: dict[tuple[int, str, str, str], list[CellRecord]] = {}
    for cell in cells:
        checks.setdefault((-severity_rank(cell.severity), cell.check, cell.severity, cell.remedy), []).append(cell)
    for (_, check, severity, remedy), concerned in sorted(checks.items()):
        yield from wrapped(remedy, width, MARGIN, first=f"  {check} ({severity})  ")
        names = [name for cell in concerned for name in ([cell.service] if cell.service else _files(cell) or [WHOLE])]
        yield from wrapped(", ".join(dict.fromkeys(names)), width, MARGIN, QUIET)


def _files(cell: CellRecord) -> list[str]:
    return sorted({place.file for place in cell.places})


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
