"""A report as one HTML file, which needs no network and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from pytest_lucid.report.areas import area_name, areas_of, badness, counted, subjects, told_together
from pytest_lucid.report.groups import red_groups, skipped, waived
from pytest_lucid.report.loglines import short
from pytest_lucid.report.model import Outcome
from pytest_lucid.report.table import SIGNS
from pytest_lucid.report.topology import BOX_HEIGHT, BOX_WIDTH, topologies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.report.model import CellRecord, RunReport

POLICY = ("default-src 'none'", "base-uri 'none'", "form-action 'none'")
TEMPLATES = ("report.html", "report.css", "report.js")
EXCUSED = (Outcome.KNOWN, Outcome.BELOW, Outcome.WAIVED)
# With more columns than these, nobody would find the words at their end.
MOST_BEFORE_CLAIMS = 12


def write(report: RunReport) -> str:
    """The whole report; its policy allows the styles and the script that stand in it, by their hashes."""
    texts = {name: files("pytest_lucid.report").joinpath("templates", name).read_text("utf-8") for name in TEMPLATES}
    environment = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["short"] = short
    groups = subjects(report)
    areas = [_Area(area, area_name(area), _rows(report, area, groups)) for area in areas_of(report.cells)]
    style, script = texts["report.css"] + _sizes(len(groups), areas), texts["report.js"]
    return environment.get_template("report.html").render(
        report=report,
        verdict=counted(report.cells) or "nothing was checked",
        style=Markup(style),  # noqa: S704 - our own file, and numbers
        script=Markup(script),  # noqa: S704 - likewise
        policy="; ".join((*POLICY, f"style-src {_hash(style)}", f"script-src {_hash(script)}")),
        subjects=list(groups),
        # The worst first; services that are as good as each other stay in the order of the matrix.
        rows=sorted(enumerate(groups), key=lambda row: [-each for each in badness(groups[row[1]])]),
        areas=areas,
        tiles={(name, area.code): _tile(cells, area.code) for name, cells in groups.items() for area in areas},
        claims=len(groups) <= MOST_BEFORE_CLAIMS,
        groups=red_groups(report),
        waived=waived(report),
        skipped=skipped(report),
        told_together=told_together,
        counted=counted,
        outcomes=[(outcome, SIGNS[outcome]) for outcome in reversed(Outcome)],
        legend=[outcome for outcome in reversed(Outcome) if report.count(outcome)],
        severities=("critical", "high", "medium", "low"),
        signs=SIGNS,
        topologies=topologies(report) if any(service.status for service in report.services) else [],
        box=(BOX_WIDTH, BOX_HEIGHT),
        data=Markup(_data(report)),  # noqa: S704 - JSON without a sign that ends a script
    )


@dataclass(frozen=True)
class _Area:
    """An area of checks: for each check its id, severity and claim, and for each subject the numbers of its cells."""

    code: str
    name: str
    rows: list[tuple[str, str, str, list[list[int]]]]


@dataclass(frozen=True)
class _Tile:
    """The cells of a subject in one area: the worst outcome, how many have it of how many, and all counts in words."""

    outcome: Outcome
    text: str
    words: str


def _tile(cells: Sequence[CellRecord], area: str) -> _Tile | None:
    found = [cell for cell in cells if cell.area == area]
    if not found:
        return None
    red = sum(cell.outcome.is_red for cell in found)
    passed = sum(cell.outcome is Outcome.PASSED for cell in found)
    # A red tile is red, a green one green, however many of its cells say nothing.
    telling = [cell for cell in found if cell.outcome not in {Outcome.SKIPPED, Outcome.WAIVED}] if passed else found
    worst = max((cell.outcome for cell in telling), key=lambda outcome: outcome.rank)
    text = f"{red} of {len(found)}" if red else str(passed or len(found))
    counts = Counter(cell.outcome for cell in found)
    # What is neither red nor passed is not to be overlooked.
    more = [f"{counts[each]}{SIGNS[each]}" for each in EXCUSED if counts[each]] if red or passed else []
    return _Tile(worst, " ".join((text, *more)), counted(found))


def _rows(
    report: RunReport, area: str, groups: Mapping[str, list[CellRecord]]
) -> list[tuple[str, str, str, list[list[int]]]]:
    numbers = {cell.key: at for at, cell in enumerate(report.cells)}
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    claims: dict[str, str] = {}
    for subject, cells in groups.items():
        for cell in cells:
            if cell.area == area:
                found.setdefault((cell.check, cell.severity), {}).setdefault(subject, []).append(numbers[cell.key])
                claims.setdefault(cell.check, cell.claim)
    return [
        (check, severity, claims[check], [row.get(subject, []) for subject in groups])
        for (check, severity), row in sorted(found.items())
    ]


def _sizes(columns: int, areas: Sequence[_Area]) -> str:
    """How large the matrix is, so that a browser need not lay out what nobody sees yet."""
    claims = 44 if columns <= MOST_BEFORE_CLAIMS else 0
    rows = "".join(f".a{at}{{--rows:{len(area.rows)}}}" for at, area in enumerate(areas))
    return f"#heat{{--columns:{columns};--claims:{claims}rem}}{rows}"


def _data(report: RunReport) -> str:
    """What the script shows of a cell, said once for each check; passed cells say next to nothing."""
    checks: dict[str, list[str]] = {}
    cells: list[list[Any]] = []
    for cell in report.cells:
        common = checks.setdefault(cell.check, [cell.severity, cell.claim, cell.remedy, str(cell.source)])
        facts: dict[str, Any] = {
            "seen": cell.seen,
            "reason": f"see {cell.cause}" if cell.cause else cell.reason,
            "until": cell.until,
            "places": [f"{place}: {place.message}" for place in cell.places],
            "trace": cell.trace,
            "remedy": cell.remedy if cell.remedy != common[2] else "",
            "source": str(cell.source) if str(cell.source) != common[3] else "",
        }
        said = {name: value for name, value in facts.items() if value}
        of = [cell.check, cell.service, cell.host, cell.outcome.words]
        cells.append([*of, said] if said else of)
    logs = {
        f"{service.name}@{service.host or ''}": {"log": [*map(short, service.log)], "health": service.health_output}
        for service in report.services
        if service.log or service.health_output
    }
    text = json.dumps({"checks": checks, "cells": cells, "logs": logs}, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
