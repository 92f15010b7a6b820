"""The areas of checks, and the subjects that reports group cells by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_lucid.report.model import CellRecord, RunReport

# In the order in which a service comes to be.
AREAS = {
    "DKF": "Dockerfile",
    "IMG": "image",
    "CTR": "container",
    "RUN": "inside",
    "HTTP": "HTTP",
    "NET": "network",
    "CSL": "Consul",
    "API": "API",
    "GRPC": "gRPC",
    "GW": "gateway",
    "JRN": "journey",
    "TLS": "TLS",
    "CHS": "chaos",
    "WVR": "waivers",
}
WHOLE = "stack and tree"
_SEVERITIES = ("low", "medium", "high", "critical")


def area_name(area: str) -> str:
    """What people call an area; one that is not ours by its own letters."""
    return AREAS.get(area, area)


def areas_of(cells: Iterable[CellRecord]) -> tuple[str, ...]:
    """The areas that occur, ours first and in our order."""
    found = {cell.area for cell in cells}
    return (*(area for area in AREAS if area in found), *sorted(found - AREAS.keys()))


def subject_of(cell: CellRecord, *, several_hosts: bool) -> str:
    """Who a cell is about: a service, with its host where there are several; or all of them."""
    name = cell.service or WHOLE
    return f"{name} @ {cell.host}" if several_hosts and cell.host else name


def has_several_hosts(report: RunReport) -> bool:
    """Whether the cells are of more than one host."""
    return len({cell.host for cell in report.cells if cell.host}) > 1


def subjects(report: RunReport) -> dict[str, list[CellRecord]]:
    """The cells by their subject: services in the order of the matrix, then what is about all of them."""
    several = has_several_hosts(report)
    order = {service.name: at for at, service in enumerate(report.services)}
    groups: dict[str, list[CellRecord]] = {}
    for cell in sorted(report.cells, key=lambda cell: (order.get(cell.service or "", len(order)), cell.host or "")):
        groups.setdefault(subject_of(cell, several_hosts=several), []).append(cell)
    return groups


def severity_rank(severity: str) -> int:
    """How bad a severity is, from 0; one that is not known is the least."""
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else 0


def badness(cells: Iterable[CellRecord]) -> tuple[int, int]:
    """How bad red cells are together: the worst severity, then how many."""
    red = [cell for cell in cells if cell.outcome.is_red]
    return max((severity_rank(cell.severity) for cell in red), default=-1), len(red)


def told_together(cells: Iterable[CellRecord]) -> list[list[CellRecord]]:
    """The cells of one subject, the most severe first, those that saw the same in one group."""
    same: dict[tuple[object, ...], list[CellRecord]] = {}
    for cell in sorted(cells, key=lambda cell: (-severity_rank(cell.severity), cell.key)):
        same.setdefault((cell.seen, cell.places, cell.outcome), []).append(cell)
    return list(same.values())


def counted(cells: Iterable[CellRecord]) -> str:
    """How many came out how, in words: `3 failed, 12 passed`."""
    outcomes = [cell.outcome for cell in cells]
    counts = ((outcome, outcomes.count(outcome)) for outcome in reversed(Outcome))
    return ", ".join(f"{count} {outcome.words}" for outcome, count in counts if count)
