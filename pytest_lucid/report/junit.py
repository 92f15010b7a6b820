"""A report as JUnit XML, as its readers read it: GitLab, GitHub, Jenkins (whose schema junit-10 it follows).

That schema has properties for the run only, so what belongs to a cell stands in its name, its type and its text.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import area_name
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.report.model import CellRecord, RunReport, ServiceRecord

# GitLab reads no file above 30 MB.
MOST_CHARACTERS = 20_000_000
_MOST_OF_A_CELL, _MOST_OF_A_LOG = 20_000, 10_000
_LEFT_OUT = "(left out, because the file has become large: see the other reports)"


def write(report: RunReport) -> str:
    """One suite, a case for each cell, in an order and under names that do not depend on the run."""
    count = report.count
    suite = ET.Element(
        "testsuite",
        name="pytest-lucid",
        tests=str(len(report.cells)),
        failures=str(count(Outcome.FAILED)),
        errors=str(count(Outcome.ERROR) + count(Outcome.UNJUDGED)),
        skipped=str(count(Outcome.SKIPPED) + count(Outcome.WAIVED) + count(Outcome.BELOW) + count(Outcome.KNOWN)),
        time=_seconds(report.run.seconds),
        timestamp=report.run.started,
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(report):
        ET.SubElement(properties, "property", name=name, value=value)
    services = {(service.name, service.host): service for service in report.services}
    room, names = MOST_CHARACTERS, set[str]()
    for cell in report.cells:
        case = _case(cell, names)
        texts = list(_texts(cell, services.get((cell.service or "", cell.host))))
        for element, text in texts:
            element.text = text if room > 0 else _LEFT_OUT
            room -= len(element.text)
            case.append(element)
        suite.append(case)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


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
    place = cell.places[0] if cell.places else cell.source
    return ET.Element(
        "testcase",
        classname=f"lucid.{area_name(cell.area)}",
        name=name,
        file=place.file,
        line=str(place.line),
        time=_seconds(cell.seconds),
    )


def _texts(cell: CellRecord, service: ServiceRecord | None) -> Iterator[tuple[ET.Element, str]]:
    first = cell.seen.partition("\n")[0]
    if cell.cause:
        yield ET.Element("error", type=cell.severity, message=f"not judged, see {cell.cause}: {first}"[:500]), ""
    elif cell.outcome.is_red:
        tag = "failure" if cell.outcome is Outcome.FAILED else "error"
        message = f"{cell.claim} {first}".strip()[:500]
        yield ET.Element(tag, type=cell.severity, message=message), _told(cell)[:_MOST_OF_A_CELL]
        log = "\n".join((*(service.health_output if service else ()), *(service.log if service else ())))
        if log:
            yield ET.Element("system-out"), log[-_MOST_OF_A_LOG:]
    elif cell.outcome is not Outcome.PASSED:
        until = f" until {cell.until}" if cell.until else ""
        message = f"{cell.outcome.words}{until}: {cell.reason}"
        told = _told(cell)[:_MOST_OF_A_CELL] if cell.outcome is not Outcome.SKIPPED else ""
        yield ET.Element("skipped", type=f"lucid.{cell.outcome.value}", message=message), told


def _told(cell: CellRecord) -> str:
    found = [f"{place}: {place.message}" for place in cell.places] or [cell.seen]
    parts = (f"{cell.check} ({cell.severity}): {cell.claim}", *found, f"Check: {cell.source}", cell.trace)
    remedy = f"Remedy: {cell.remedy}" if cell.outcome is not Outcome.ERROR else ""
    return "\n".join(filter(None, (*parts, remedy)))


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
