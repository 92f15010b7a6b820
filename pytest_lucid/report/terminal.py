"""What a terminal shows after a run: the table, then what is wrong, service by service, the worst first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import (
    WHOLE,
    badness,
    counted,
    has_several_hosts,
    severity_rank,
    subject_of,
    told_together,
)
from pytest_lucid.report.lines import BAD, PLAIN, QUIET, TITLE, WARNING, Line, cut, rule, wrapped
from pytest_lucid.report.model import Outcome
from pytest_lucid.report.table import SIGNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_lucid.report.model import CellRecord, RunReport, ServiceRecord

MARGIN = "    "
_SHOWN_SEEN = 12


def failures(report: RunReport, width: int) -> list[Line]:
    """All that is red, by who it is about. Nothing is said twice."""
    groups: dict[str, list[CellRecord]] = {}
    several = has_several_hosts(report)
    for cell in report.red:
        # What is about no service, but about files, is best read by file.
        files = sorted({place.file for place in cell.places}) if cell.service is None else []
        for subject in files or [subject_of(cell, several_hosts=several)]:
            groups.setdefault(subject, []).append(cell)
    evidence = {_name(service, several_hosts=several): service for service in report.services}
    lines: list[Line] = []
    traced: set[str] = set()
    for subject, cells in sorted(groups.items(), key=lambda group: ([-each for each in badness(group[1])], group[0])):
        lines += [Line(""), Line(cut(rule(f"{subject}: {counted(cells)}", width), width), BAD)]
        lines += _told(subject, cells, width, traced)
        if service := evidence.get(subject):
            lines += _evidence(service, subject, cells, width)
    return lines


def remedies(report: RunReport, width: int) -> list[Line]:
    """What to do, once for each check, with the services that it concerns; the most severe first."""
    lines: list[Line] = []
    for title, outcomes in (
        ("What to do", {Outcome.FAILED}),
        (f"Below the threshold (--lucid-fail-on {report.run.fail_on}), so these do not fail the run", {Outcome.BELOW}),
    ):
        cells = [cell for cell in report.cells if cell.outcome in outcomes]
        if cells:
            lines += [Line(""), Line(cut(rule(title, width), width), TITLE), *_remedies(cells, width)]
    return lines


def waivers(report: RunReport, width: int) -> list[Line]:
    """The waivers that excused something, each with its last day and its reason."""
    waived = Counter(
        (cell.until or "", cell.check, cell.reason) for cell in report.cells if cell.outcome is Outcome.WAIVED
    )
    lines: list[Line] = []
    for (until, check, reason), count in sorted(waived.items()):
        day = f" until {until}" if until else ""
        lines += wrapped(f"waived{day}: {check} ({_cells(count)}): {reason}", width, MARGIN, QUIET, first="")
    return lines


def findings(report: RunReport) -> list[str]:
    """Count the findings in files, by check and by file, the most first."""
    found = [(cell.check, place.file) for cell in report.cells for place in cell.places]
    lines = []
    for title, names in (("by check", [check for check, _ in found]), ("by file", [file for _, file in found])):
        counts = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
        lines += [title, *(f"{count:6}  {name}" for name, count in counts)]
    return [*lines, f"{len(found)} findings in {len({file for _, file in found})} files"]


def _told(subject: str, cells: Sequence[CellRecord], width: int, traced: set[str]) -> Iterator[Line]:
    """Each claim, and what was seen instead; claims that saw the same share one entry."""
    for first, *others in told_together(cells):
        for cell in (first, *others):
            head = f"{SIGNS[cell.outcome]} {cell.check} ({cell.severity}) "
            yield from wrapped(cell.claim, width, MARGIN, first=f"  {head}")
        found = [place for place in first.places if subject == place.file or first.service or subject == WHOLE]
        for place in found:
            yield from wrapped(f"{place}: {place.message}", width, MARGIN * 2, WARNING, first=f"{MARGIN}▸ ")
        if not found:
            seen = first.seen.splitlines() or ["(nothing was said)"]
            style = BAD if first.outcome is Outcome.ERROR else WARNING
            more = [f"and {len(seen) - _SHOWN_SEEN} lines more"] if len(seen) > _SHOWN_SEEN else []
            yield from wrapped("\n".join((*seen[:_SHOWN_SEEN], *more)), width, MARGIN * 2, style, first=f"{MARGIN}▸ ")
            where = ", ".join(dict.fromkeys(str(cell.source) for cell in (first, *others)))
            yield from wrapped(f"see {where}", width, MARGIN * 2, QUIET, first=MARGIN)
        for trace in dict.fromkeys(cell.trace for cell in (first, *others) if cell.trace):
            told = [f"{MARGIN * 2}(the traceback is above)"] if trace in traced else trace.splitlines()
            yield from (Line(line) for line in told)
            traced.add(trace)


def _evidence(service: ServiceRecord, subject: str, cells: Iterable[CellRecord], width: int) -> Iterator[Line]:
    """What the container said last, once; a service of which only files were judged has said nothing."""
    if not any(cell.host for cell in cells):
        return
    state = ", ".join(filter(None, (service.status, service.health)))
    for title, told in (("health check", service.health_output), ("last log lines", service.log)):
        if told or title == "last log lines":
            yield Line(f"  {subject}: {title}{f' (it is {state})' if state else ''}", TITLE)
            yield from (Line(cut(f"{MARGIN}{line}", 4 * width), PLAIN) for line in told or ("(nothing logged)",))


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


def _name(service: ServiceRecord, *, several_hosts: bool) -> str:
    return f"{service.name} @ {service.host}" if several_hosts and service.host else service.name


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
