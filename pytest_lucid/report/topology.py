"""Where the boxes of the picture of a deployment stand: who needs nobody is at the bottom, above Consul."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.report.model import RunReport, ServiceRecord

BOX_WIDTH, BOX_HEIGHT = 280, 76
_GAP, _FLOOR, _MARGIN = 24, 66, 16
_ABREAST = 5


@dataclass(frozen=True)
class Box:
    """A service, or Consul, and its upper left corner in the picture."""

    name: str
    lines: tuple[str, ...]
    state: str
    x: int
    y: int

    @property
    def top(self) -> tuple[int, int]:
        """Where arrows leave upwards."""
        return self.x + BOX_WIDTH // 2, self.y

    @property
    def bottom(self) -> tuple[int, int]:
        """Where arrows leave downwards."""
        return self.x + BOX_WIDTH // 2, self.y + BOX_HEIGHT


@dataclass(frozen=True)
class Topology:
    """The picture of one host: boxes, arrows from who needs to whom it needs, and how large all of it is."""

    host: str
    boxes: tuple[Box, ...]
    arrows: tuple[tuple[Box, Box], ...]
    width: int
    height: int


def topologies(report: RunReport) -> list[Topology]:
    """One picture for each host; the report needs services."""
    hosts = dict.fromkeys(service.host for service in report.services)
    return [_topology(report, [s for s in report.services if s.host == host], host or "") for host in hosts]


def _topology(report: RunReport, services: Sequence[ServiceRecord], host: str) -> Topology:
    depths = _depths(services)
    rows: list[list[ServiceRecord]] = []
    for depth in sorted(set(depths.values()), reverse=True):
        row = [service for service in services if depths[service.name] == depth]
        rows += [row[at : at + _ABREAST] for at in range(0, len(row), _ABREAST)]
    width = max(map(len, rows)) * (BOX_WIDTH + _GAP) - _GAP + 2 * _MARGIN
    boxes: dict[str, Box] = {}
    for number, row in enumerate(rows):
        start = (width - len(row) * (BOX_WIDTH + _GAP) + _GAP) // 2
        for at, service in enumerate(row):
            x, y = start + at * (BOX_WIDTH + _GAP), _MARGIN + number * (BOX_HEIGHT + _FLOOR)
            boxes[service.name] = Box(service.name, _lines(service), _state(service), x, y)
    height = 2 * _MARGIN + len(rows) * (BOX_HEIGHT + _FLOOR) - _FLOOR
    if report.run.consul:
        y = _MARGIN + len(rows) * (BOX_HEIGHT + _FLOOR)
        boxes[report.run.consul] = Box(
            report.run.consul, ("service discovery",), "unknown", (width - BOX_WIDTH) // 2, y
        )
        height = y + BOX_HEIGHT + _MARGIN
    arrows = tuple(
        (boxes[service.name], boxes[need]) for service in services for need in service.needs if need in boxes
    )
    return Topology(host, tuple(boxes.values()), arrows, width, height)


def _depths(services: Sequence[ServiceRecord]) -> dict[str, int]:
    """How many services stand below each one; the needs have no circle, the matrix sees to that."""
    needs = {service.name: list(service.needs) for service in services}
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in depths:
            depths[name] = 0  # ends a circle in a report that no matrix made
            depths[name] = 1 + max((depth(need) for need in needs[name] if need in needs), default=0)
        return depths[name]

    return {name: depth(name) for name in needs}


def _lines(service: ServiceRecord) -> tuple[str, ...]:
    ports = ", ".join(
        f"{port.published}→{port.number} {port.scheme}" if port.published else f"{port.number} {port.scheme} (inside)"
        for port in service.ports
    )
    return tuple(filter(None, (service.address, ports, service.health or service.status)))


def _state(service: ServiceRecord) -> str:
    if service.health == "healthy":
        return "healthy"
    return "ill" if service.status else "unknown"
