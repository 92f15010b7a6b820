"""Reports as runs leave them: all green, one service broken, a tree full of findings, sixty services."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_lucid.report.causes import linked
from pytest_lucid.report.model import (
    CellRecord,
    Outcome,
    Package,
    Place,
    PortRecord,
    RunRecord,
    RunReport,
    ServiceRecord,
)

RUN = RunRecord(
    started="2026-11-27T20:00:00+00:00",
    seconds=25.0,
    version="1.0",
    python="3.11.2",
    pytest="9.0.0",
    platform="Linux",
    commit="1914027",
    matrix="ab" * 32,
    fail_on="low",
    networks=(("lucid-dev", "172.20.0.0/16"),),
    consul="consul",
    engines=(("local", "Docker 29.0 at unix:///var/run/docker.sock"),),
)
# What only a container that runs can show.
LIVE = ("RUN", "HTTP", "NET", "CSL")
AREAS = ("DKF", "IMG", "CTR", "RUN", "HTTP", "NET", "CSL")
# What somebody else might have written to a log.
HOSTILE = "\x1b[2J\x1b]0;owned\x07</script><script>document.title='owned'</script> ]]> \x00 \u202e & <b>"


def cell(check: str, service: str | None = "lucid-a", outcome: Outcome = Outcome.PASSED, **more: Any) -> CellRecord:
    """One cell, with everything that it must have."""
    made = CellRecord(
        check=check,
        severity="high",
        claim=f"The claim of {check} holds.",
        remedy=f"Do what {check} needs.",
        outcome=outcome,
        source=Place("tests/infra/test_it.py", 12),
        test=f"test_{check.lower().replace('-', '_')}",
        service=service,
    )
    return replace(made, **more)


def service(name: str, **more: Any) -> ServiceRecord:
    """One service, as it stands in the matrix."""
    made = ServiceRecord(
        name=name,
        image=f"{name}:latest",
        cluster="c",
        dockerfile=f"{name}/Dockerfile",
        ports=(PortRecord(80, 8080, "http"),),
    )
    return replace(made, **more)


def report(cells: list[CellRecord], services: list[ServiceRecord] | None = None, **more: Any) -> RunReport:
    """A report of these cells; their services are those that the cells name, unless given."""
    names = dict.fromkeys(each.service for each in cells if each.service)
    return RunReport(
        replace(RUN, **more), tuple(services or map(service, names)), tuple(sorted(cells, key=lambda c: c.key))
    )


def green(services: int = 6, checks: int = 21) -> RunReport:
    """Everything passes, but for a waiver and a skip."""
    cells = [
        cell(f"{AREAS[at % len(AREAS)]}-{at}", f"lucid-{number:02}")
        for number in range(services)
        for at in range(checks)
    ]
    cells[0] = replace(cells[0], outcome=Outcome.WAIVED, until="2027-01-31", reason="It is known.")
    cells[1] = replace(cells[1], outcome=Outcome.SKIPPED, reason="there is nothing to see")
    return report([*cells, cell("NET-EXISTS", None)])


def broken(services: int = 6, checks: int = 21) -> RunReport:
    """One service does not run; what it logged is hostile, as far as a report may still be."""
    whole = green(services, checks)
    cells = [replace(each, host="local") for each in whole.cells]
    for at, each in enumerate(cells):
        if each.service == "lucid-03":
            ill = replace(each, outcome=Outcome.FAILED, seen="found 'exited', expected 'running'")
            about = "container lucid-03" if each.area in {"CTR", *LIVE} else ""
            cells[at] = replace(ill, about=about, decides=each.check == "CTR-2")
    answer = [
        replace(
            each,
            host="local",
            status="exited" if each.name == "lucid-03" else "running",
            health="unhealthy" if each.name == "lucid-03" else "healthy",
            log=("started", "no room left") if each.name == "lucid-03" else (),
            health_output=("refused",) if each.name == "lucid-03" else (),
            address=f"172.20.0.{number + 2}",
            needs=("lucid-00", "consul") if number else ("consul",),
            packages=(Package("deb", "libc6", "2.36"), Package("pypi", "msgspec", "0.19", "BSD-3-Clause")),
        )
        for number, each in enumerate(whole.services)
    ]
    return replace(whole, cells=linked(cells), services=tuple(answer))


def bad_tree(findings: int = 77) -> RunReport:
    """A tree whose Dockerfiles nobody has looked at yet: seven files, and each finding in one of them."""
    cells = []
    for at in range(11):
        places = tuple(
            Place(f"svc{number % 7}/Dockerfile", 3 + number, f"This is wrong in way {number}.")
            for number in range(at * findings // 11, (at + 1) * findings // 11)
        )
        cells.append(cell(f"DKF-{at}", None, Outcome.FAILED, places=places, seen="\n".join(p.message for p in places)))
    return report([*cells, *(cell(f"DKF-{at}", None) for at in range(20, 30))], [])


# Runs of every kind, for what must hold of all of them.
REPORTS = pytest.mark.parametrize(
    "make", [green, broken, bad_tree, lambda: report([])], ids=["ok", "ill", "bad", "none"]
)
