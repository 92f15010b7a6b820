"""What is wrong, by who it is about: reports that people read tell it in the same groups and in the same order.

What is not judged because of another cell, such as all that needs a container that does not run, is kept apart with
that cell: nobody should look for thirty defects where there is one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import badness, has_several_hosts, severity_rank, subject_of, told_together
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.report.model import CellRecord, Place, RunReport, ServiceRecord


@dataclass(frozen=True)
class Group:
    """The red cells of one subject, the most severe first: a service on its host, a file, or stack and tree.

    `cells` have a reason of their own; `following`, of whatever subject, are not judged because of them. `service` is
    what the engine answered about it, if it was asked.
    """

    subject: str
    cells: tuple[CellRecord, ...]
    following: tuple[CellRecord, ...] = ()
    service: ServiceRecord | None = None

    @property
    def every(self) -> tuple[CellRecord, ...]:
        """Causes and what follows from them."""
        return (*self.cells, *self.following)

    @property
    def state(self) -> str:
        """What the engine says of the container; empty if that was not asked."""
        return ", ".join(filter(None, (self.service.status, self.service.health))) if self.service else ""


def red_groups(report: RunReport) -> list[Group]:
    """All that is red, the worst subject first. What is about no service, but about files, is grouped by file."""
    several = has_several_hosts(report)
    services = {subject_name(service, several_hosts=several): service for service in report.services}
    found: dict[str, list[CellRecord]] = {}
    for cell in report.root_causes:
        for subject, part in _parts(cell, several_hosts=several):
            found.setdefault(subject, []).append(part)
    decided: dict[str, list[CellRecord]] = {}
    for cell in report.red:
        decided.setdefault(cell.cause, []).append(cell)
    groups = []
    for subject, cells in found.items():
        causes = tuple(cell for group in told_together(cells) for cell in group)
        names = dict.fromkeys(cell.name for cell in causes)
        following = tuple(cell for name in names for cell in decided.get(name, ()))
        groups.append(Group(subject, causes, following, services.get(subject)))
    return sorted(groups, key=lambda group: ([-each for each in badness(group.every)], group.subject))


def subject_name(service: ServiceRecord, *, several_hosts: bool) -> str:
    """What people call a service: its name, and its host where there are several."""
    return f"{service.name} @ {service.host}" if several_hosts and service.host else service.name


def skipped(report: RunReport) -> list[tuple[str, int, str]]:
    """What was not judged, the most first: the checks, the number of cells, and why, said once for all services."""
    reasons: dict[str, list[CellRecord]] = {}
    for cell in report.cells:
        if cell.outcome is Outcome.SKIPPED:
            reason = cell.reason.replace(cell.service, "the service") if cell.service else cell.reason
            reasons.setdefault(reason, []).append(cell)
    grouped = [(_named(cells), len(cells), reason) for reason, cells in reasons.items()]
    return sorted(grouped, key=lambda each: (-each[1], each[0], each[2]))


def waived(report: RunReport) -> list[tuple[str, int, str, str]]:
    """The waivers that excused something, the first to end first: check, number of cells, last day, and reason."""
    counts = Counter(
        (cell.until or "", cell.check, cell.reason) for cell in report.cells if cell.outcome is Outcome.WAIVED
    )
    return [(check, count, until, reason) for (until, check, reason), count in sorted(counts.items())]


def worst_of(report: RunReport) -> CellRecord:
    """The red cell that a reader should look at first; there must be one."""
    return max(report.root_causes, key=lambda cell: (cell.outcome is Outcome.FAILED, severity_rank(cell.severity)))


def _parts(cell: CellRecord, *, several_hosts: bool) -> Iterator[tuple[str, CellRecord]]:
    if cell.service or not cell.places:
        yield subject_of(cell, several_hosts=several_hosts), cell
        return
    files: dict[str, list[Place]] = {}
    for place in cell.places:
        files.setdefault(place.file, []).append(place)
    for file, places in sorted(files.items()):
        yield file, replace(cell, places=tuple(places), seen="\n".join(place.message for place in places))


def _named(cells: list[CellRecord]) -> str:
    """The checks of cells: by name if they are few, by their area otherwise."""
    checks = list(dict.fromkeys(cell.check for cell in cells))
    few = 3
    return ", ".join(checks if len(checks) <= few else (f"{area}-…" for area in dict.fromkeys(c.area for c in cells)))
