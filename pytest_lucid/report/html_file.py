"""A report as one HTML file, which needs no network and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from pytest_lucid.report.areas import (
    area_name,
    areas_of,
    badness,
    counted,
    has_several_hosts,
    subject_of,
    subjects,
    told_together,
)
from pytest_lucid.report.model import Outcome
from pytest_lucid.report.table import SIGNS
from pytest_lucid.report.topology import BOX_HEIGHT, BOX_WIDTH, topologies

if TYPE_CHECKING:
    from pytest_lucid.report.model import CellRecord, RunReport

POLICY = ("default-src 'none'", "base-uri 'none'", "form-action 'none'")
TEMPLATES = ("report.html", "report.css", "report.js")


def write(report: RunReport) -> str:
    """The whole report; its policy allows the styles and the script that stand in it, by their hashes."""
    texts = {name: files("pytest_lucid.report").joinpath("templates", name).read_text("utf-8") for name in TEMPLATES}
    environment = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = texts["report.css"], texts["report.js"]
    groups = subjects(report)
    red = {name: [cell for cell in cells if cell.outcome.is_red] for name, cells in groups.items()}
    several = has_several_hosts(report)
    return environment.get_template("report.html").render(
        report=report,
        verdict=counted(report.cells) or "nothing was checked",
        is_red=bool(report.red),
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - likewise
        policy="; ".join((*POLICY, f"style-src {_hash(style)}", f"script-src {_hash(script)}")),
        subjects=list(groups),
        areas=[(area, area_name(area), _rows(report, area, groups)) for area in areas_of(report.cells)],
        failures=sorted(
            ((name, cells) for name, cells in red.items() if cells),
            key=lambda group: ([-each for each in badness(group[1])], group[0]),
        ),
        told_together=told_together,
        counted=counted,
        evidence={
            (f"{each.name} @ {each.host}" if several and each.host else each.name): each for each in report.services
        },
        outcomes=[(outcome, SIGNS[outcome]) for outcome in reversed(Outcome)],
        severities=("critical", "high", "medium", "low"),
        signs=SIGNS,
        topologies=topologies(report) if any(service.status for service in report.services) else [],
        box=(BOX_WIDTH, BOX_HEIGHT),
        data=Markup(_data(report)),  # noqa: S704 - JSON without a sign that ends a script
        subject=lambda cell: subject_of(cell, several_hosts=several),
    )


def _rows(report: RunReport, area: str, groups: dict[str, list[CellRecord]]) -> list[tuple[str, str, list[list[int]]]]:
    """For each check of an area: its id, its severity, and for each subject the numbers of its cells."""
    numbers = {cell.key: at for at, cell in enumerate(report.cells)}
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    for subject, cells in groups.items():
        for cell in cells:
            if cell.area == area:
                found.setdefault((cell.check, cell.severity), {}).setdefault(subject, []).append(numbers[cell.key])
    return [
        (check, severity, [row.get(subject, []) for subject in groups])
        for (check, severity), row in sorted(found.items())
    ]


def _data(report: RunReport) -> str:
    """What the script shows of a cell, said once for each check; passed cells say next to nothing."""
    checks = {cell.check: [cell.severity, cell.claim, cell.remedy] for cell in report.cells}
    cells: list[list[Any]] = []
    for cell in report.cells:
        told: dict[str, Any] = {
            "seen": cell.seen,
            "reason": cell.reason,
            "until": cell.until,
            "places": [f"{place}: {place.message}" for place in cell.places],
            "trace": cell.trace,
        }
        if not cell.outcome.is_red or cell.remedy != checks[cell.check][2]:
            told["remedy"] = cell.remedy if cell.outcome.is_red else ""
        cells.append(
            [
                cell.check, cell.service, cell.host, cell.outcome.words, str(cell.source),
                {name: value for name, value in told.items() if value},
            ]
        )  # fmt: skip
    logs = {
        f"{service.name}@{service.host or ''}": {"log": service.log, "health": service.health_output}
        for service in report.services
        if service.log or service.health_output
    }
    text = json.dumps({"checks": checks, "cells": cells, "logs": logs}, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
