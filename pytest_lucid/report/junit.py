"""A report as JUnit XML, as its readers read it: GitLab, GitHub, Jenkins (whose schema junit-10 it follows).

Since version 2.2.4 of Jenkins' xunit plugin, a case has neither file nor line, and a report with them is skipped as
invalid. So there is a suite for each test file, and what belongs to a cell stands in its name, its type and its text.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import area_name
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_lucid.report.model import CellRecord, RunReport, ServiceRecord

# GitLab reads no file above 30 MB.
MOST_CHARACTERS = 20_000_000
_MOST_OF_A_CELL, _MOST_OF_A_LOG = 20_000, 10_000
_ERRORS = frozenset({Outcome.ERROR, Outcome.UNJUDGED})
_SKIPPED = frozenset({Outcome.SKIPPED, Outcome.WAIVED, Outcome.BELOW, Outcome.KNOWN})
_LEFT_OUT = "(left out, because the file has become large: see the other reports)"


def write(report: RunReport) -> str:
    """A suite for each test file, a case for each cell, in an order and under names that do not depend on the run."""
    root = ET.Element("testsuites", {"name": "pytest-lucid", **_counts(report.cells, report.run.seconds)})
    services = {(service.name, service.host): service for service in report.services}
    room, names = MOST_CHARACTERS, set[str]()
    for file, cells in _by_file(report.cells).items():
        suite = _suite(report, file, cells)
        for cell in cells:
            case = _case(cell, names)
            for element, text in _texts(cell, services.get((cell.service or "", cell.host))):
                element.text = text if room > 0 else _LEFT_OUT
                room -= len(element.text)
                case.append(element)
            suite.append(case)
        root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _by_file(cells: Iterable[CellRecord]) -> dict[str, list[CellRecord]]:
    found: dict[str, list[CellRecord]] = {}
    for cell in cells:
        found.setdefault(cell.source.file, []).append(cell)
    return found


def _suite(report: RunReport, file: str, cells: Sequence[CellRecord]) -> ET.Element:
    skipped = sum(cell.outcome in _SKIPPED for cell in cells)
    counts = _counts(cells, sum(cell.seconds for cell in cells))
    facts = {"name": f"pytest-lucid {file}", "file": file, **counts, "skipped": str(skipped)}
    suite = ET.Element("testsuite", facts, timestamp=report.run.started)
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report):
        ET.SubElement(properties, "property", name=name, value=value)
    return suite


def _counts(cells: Sequence[CellRecord], seconds: float) -> dict[str, str]:
    return {
        "tests": str(len(cells)),
        "failures": str(sum(cell.outcome is Outcome.FAILED for cell in cells)),
        "errors": str(sum(cell.outcome in _ERRORS for cell in cells)),
        "time": _seconds(seconds),
    }


def _properties(report: RunReport) -> Iterator[tuple[str, str]]:
    run = report.run
    for host, engine in run.engines:
        yield f"lucid.engine.{host}", engine
    for name in ("version", "python", "pytest", "platform", "commit", "matrix", "fail_on"):
        yield f"lucid.{name}", str(getattr(run, name))


def _case(cell: CellRecord, names: set[str]) -> ET.Element:
    name = cell.name
    if name in names:  # two tests of one check: GitLab would drop the second
        name = f"{name} {cell.test}"
    names.add(name)
    return ET.Element("testcase", classname=f"lucid.{area_name(cell.area)}", name=name, time=_seconds(cell.seconds))


def _texts(cell: CellRecord, service: ServiceRecord | None) -> Iterator[tuple[ET.Element, str]]:
    first = cell.seen.partition("\n")[0]
    if cell.cause:
        yield ET.Element("error", type=cell.severity, message=f"not judged, see {cell.cause}: {first}"[:500]), ""
    elif cell.outcome.is_red:
        tag = "failure" if cell.outcome is Outcome.FAILED else "error"
        message = f"{cell.claim} {first}".strip()[:500]
        yield ET.Element(tag, type=cell.severity, message=message), _body(cell)[:_MOST_OF_A_CELL]
        log = "\n".join((*(service.health_output if service else ()), *(service.log if service else ())))
        if log:
            yield ET.Element("system-out"), log[-_MOST_OF_A_LOG:]
    elif cell.outcome is not Outcome.PASSED:
        until = f" until {cell.until}" if cell.until else ""
        message = f"{cell.outcome.words}{until}: {cell.reason}"
        body = _body(cell)[:_MOST_OF_A_CELL] if cell.outcome is not Outcome.SKIPPED else ""
        yield ET.Element("skipped", type=f"lucid.{cell.outcome.value}", message=message), body


def _body(cell: CellRecord) -> str:
    found = [f"{place}: {place.message}" for place in cell.places] or [cell.seen]
    parts = (f"{cell.check} ({cell.severity}): {cell.claim}", *found, f"Check: {cell.source}", cell.trace)
    remedy = f"Remedy: {cell.remedy}" if cell.outcome is not Outcome.ERROR else ""
    return "\n".join(filter(None, (*parts, remedy)))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
