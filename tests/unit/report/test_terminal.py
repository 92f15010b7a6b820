from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from samples import bad_tree, broken, cell, green, report, service

from pytest_lucid.report.areas import AREAS
from pytest_lucid.report.causes import linked
from pytest_lucid.report.lines import Line, encodable
from pytest_lucid.report.model import Outcome, RunReport
from pytest_lucid.report.table import table
from pytest_lucid.report.terminal import excuses, failures, findings, remedies

WIDTHS = pytest.mark.parametrize("width", [80, 120, 200])


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def whole(run: RunReport, width: int) -> list[str]:
    return texts([*table(run, width), *failures(run, width), *remedies(run, width), *excuses(run, width)])


def test_a_row_for_each_service_and_a_column_for_each_area() -> None:
    cells = [cell("IMG-A"), cell("IMG-B", outcome=Outcome.FAILED), cell("IMG-A", "lucid-b"), cell("MY-OWN", None)]
    cells.append(cell("IMG-B", "lucid-b", Outcome.SKIPPED))
    assert texts(table(report(cells), 80, every=True)) == [
        "                image  MY",
        "lucid-a         1✗ 1✓",
        "lucid-b         1s 1✓",
        "stack and tree         1✓",
        "",
        "✗ failed, s skipped, ✓ passed",
        "5 cells of 3 checks and 2 services: 1 failed, 1 skipped, 3 passed",
    ]


@WIDTHS
@pytest.mark.parametrize("services", [1, 6, 15, 60])
def test_all_green_takes_twenty_lines_at_most(width: int, services: int) -> None:
    lines = texts(table(green(services), width))
    assert len(lines) <= 20
    assert max(map(len, lines)) <= width
    assert f" and {services} service{'s' if services > 1 else ''}: " in lines[-1]


@WIDTHS
@pytest.mark.parametrize("services", [6, 60])
def test_only_rows_that_are_not_green_unless_asked(width: int, services: int) -> None:
    run = broken(services)
    lines = texts(table(run, width))
    assert [line.split()[0] for line in lines if line.startswith("lucid-")] == ["lucid-03"]
    assert f"and {services} more without a failure" in lines
    assert len([line for line in texts(table(run, width, every=True)) if line.startswith("lucid-")]) == services


def test_codes_of_areas_are_explained_where_words_have_no_room() -> None:
    run = report(
        [cell(f"{area}-A", "lucid-with-a-name-that-takes-room") for area in ("DKF", "IMG", "CTR", "RUN", "NET")]
    )
    assert "DKF Dockerfile, IMG image, CTR container, RUN inside, NET network" in texts(table(run, 72))
    assert not [line for line in texts(table(run, 120)) if line.startswith("DKF Dockerfile")]


def test_hosts_have_rows_of_their_own() -> None:
    cells = [cell("IMG-A", host="pi"), cell("IMG-A", host="local", outcome=Outcome.FAILED)]
    assert [line.split("  ")[0] for line in texts(table(report(cells), 80, every=True))[1:3]] == [
        "lucid-a @ local",
        "lucid-a @ pi",
    ]


@WIDTHS
@pytest.mark.parametrize("make", [green, broken, bad_tree, lambda: broken(60)], ids=["green", "broken", "bad", "sixty"])
def test_no_line_is_wider_than_the_terminal(width: int, make: object) -> None:
    assert max(map(len, whole(make(), width))) <= width  # type: ignore[operator]


def test_a_broken_service_is_told_once() -> None:
    lines = whole(broken(), 100)
    assert lines.count("    no room left") == 1
    assert lines.count("    refused") == 1
    assert sum("found 'exited', expected 'running'" in line for line in lines) == 1
    assert "  lucid-03: last log lines (it is exited, unhealthy)" in lines
    assert sum("Do what CTR-2 needs." in line for line in lines) == 1


def test_the_worst_comes_first() -> None:
    cells = [
        cell("A-A", "lucid-a", Outcome.FAILED, severity="low"),
        cell("A-B", "lucid-a", Outcome.FAILED, severity="low"),
        cell("A-A", "lucid-b", Outcome.FAILED, severity="critical"),
        cell("A-A", "lucid-c", Outcome.ERROR, severity="critical"),
        cell("A-B", "lucid-c", Outcome.FAILED, severity="low"),
    ]
    heads = [line.split()[1].rstrip(":") for line in texts(failures(report(cells), 80)) if line.startswith("──")]
    assert heads == ["lucid-c", "lucid-b", "lucid-a"]


def test_a_bad_tree_is_told_by_file_and_each_remedy_once() -> None:
    lines = whole(bad_tree(), 100)
    heads = [line for line in lines if line.startswith("── svc")]
    assert len(heads) == 7
    assert sum(" ▸ svc" in line for line in lines) == 77
    assert sum("Do what DKF-3 needs." in line for line in lines) == 1
    assert len(lines) < 250


def test_below_the_threshold_keeps_its_name_and_its_remedy() -> None:
    run = report([cell("A-A", outcome=Outcome.BELOW, reason="low"), cell("A-B")], fail_on="medium")
    assert not failures(run, 80)
    assert "1 below the threshold" in texts(table(run, 80))[-1]
    assert texts(remedies(run, 90)) == [
        "",
        "── Below the threshold (--lucid-fail-on medium), so these do not fail the run ────────────",
        "  A-A (high)  Do what A-A needs.",
        "    lucid-a",
    ]


def test_a_waiver_says_until_when_and_why_and_a_skip_why() -> None:
    assert texts(excuses(green(), 80)) == [
        "",
        "waived until 2027-01-31: DKF-0 (1 cell): It is known.",
        "skipped: IMG-1 (1 cell): there is nothing to see",
    ]


def test_what_services_skip_for_the_same_reason_is_told_once() -> None:
    cells = [
        cell(f"HTTP-{check}", name, Outcome.SKIPPED, reason=f"there is no path of {name}")
        for check in "ABCD"
        for name in ("lucid-a", "lucid-b")
    ]
    cells += [cell(f"IMG-{at}", outcome=Outcome.SKIPPED, reason=f"reason {at}") for at in range(7)]
    assert texts(excuses(report(cells), 80)) == [
        "skipped: HTTP-… (8 cells): there is no path of the service",
        *(f"skipped: IMG-{at} (1 cell): reason {at}" for at in range(4)),
        "skipped for other reasons: 3 cells; -rs shows them",
    ]


def down() -> RunReport:
    """A service whose container does not run: two checks say so, the others can only follow; its image is bad, too."""
    seen = {"CTR-RUNNING": "found 'exited'", "IMG-SIZE": "found 9"}
    checks = [*seen, "RUN-USER", "HTTP-HEALTH", "CSL-PASSING"]
    cells = [
        cell(
            c,
            outcome=Outcome.FAILED,
            host="local",
            seen=seen.get(c, "no answer"),
            about="" if c == "IMG-SIZE" else "container lucid-a",
            decides=c == "CTR-RUNNING",
        )
        for c in checks
    ]
    return report(
        list(linked(cells)), [service("lucid-a", host="local", status="exited", health="unhealthy", log=("bye",))]
    )


def test_what_follows_from_a_container_that_does_not_run_is_not_told_as_a_cause() -> None:
    lines = whole(down(), 100)
    assert "── lucid-a: 2 failed, 3 not judged; it is exited, unhealthy " in [line.rstrip("─") for line in lines]
    at = lines.index("  3 cells more not judged because of this (-v tells of each):")
    assert lines[at + 1] == "    CSL-PASSING, HTTP-HEALTH, RUN-USER"
    assert [line.split()[1] for line in lines if line.startswith("  ✗ ")] == ["CTR-RUNNING", "IMG-SIZE"]
    assert not [line for line in lines if "Do what HTTP-HEALTH needs." in line]
    assert texts(remedies(down(), 100))[2] == "  CTR-RUNNING (high)  Do what CTR-RUNNING needs."


def test_it_is_told_on_request() -> None:
    actual = texts([*failures(down(), 100, every=True), *remedies(down(), 100, every=True)])
    assert len([line for line in actual if line.startswith(("  ✗ ", "  · "))]) == 5
    assert any("Do what HTTP-HEALTH needs." in line for line in actual)
    assert not [line for line in actual if "more not judged" in line]


def test_a_crash_of_ours_does_not_hide_behind_a_container_that_does_not_run() -> None:
    run = down()
    crash = cell("HTTP-CLOCK", outcome=Outcome.ERROR, host="local", seen="ValueError", trace="line 3\nValueError")
    lines = whole(replace(run, cells=(*run.cells, crash)), 100)
    assert "line 3" in lines


def test_columns_of_many_areas_fit_and_names_stay_whole() -> None:
    names = ("lucid-service-mesh-controller", "lucid-session-anchoring")
    areas = ("DKF", "IMG", "CTR", "RUN", "HTTP", "NET", "CSL", "API", "GRPC", "TLS")
    cells = [cell(f"{area}-{at}", name) for area in areas for name in names for at in range(20)]
    cells += [cell("CHS-STOP", name, Outcome.SKIPPED) for name in names]
    cells += [cell("JRN-STORE", None), cell("WVR-USED", None)]
    lines = texts(table(report(cells), 80))
    assert lines[:6] == [
        "lucid-                   DKF  IMG  CTR  RUN  HTTP  NET  CSL  API  GRPC  TLS",
        "service-mesh-controller  20✓  20✓  20✓  20✓   20✓  20✓  20✓  20✓   20✓  20✓",
        "session-anchoring        20✓  20✓  20✓  20✓   20✓  20✓  20✓  20✓   20✓  20✓",
        "stack and tree: journey 1✓, waivers 1✓",
        "DKF Dockerfile, IMG image, CTR container, RUN inside, NET network, CSL Consul,",
        "GRPC gRPC",
    ]
    assert texts(table(report(cells), 200))[0].split()[-2:] == ["chaos", "waivers"]


def test_a_name_without_room_keeps_its_beginning_and_its_end() -> None:
    names = [f"{letter}{'x' * 90}-{letter}" for letter in "ab"]
    lines = texts(table(report([cell(f"DKF-{at}", name) for name in names for at in range(3)]), 60))
    assert max(map(len, lines)) <= 60
    assert [line.split()[0][-2:] for line in lines[1:3]] == ["-a", "-b"]


def test_every_area_of_our_own_checks_has_a_name() -> None:
    ids = {path.stem for path in (Path(__file__).parents[3] / "docs" / "checks").glob("*-*.md")}
    assert len(ids) > 150
    assert not {identity.partition("-")[0] for identity in ids} - AREAS.keys()


def test_a_crash_shows_its_traceback_once() -> None:
    crash = cell("A-A", outcome=Outcome.ERROR, seen="OSError: probe", trace="here\nOSError: probe")
    lines = texts(failures(report([crash, replace(crash, service="lucid-b")]), 80))
    assert lines.count("here") == 1
    assert "        (the traceback is above)" in lines


def test_several_hosts_have_logs_of_their_own() -> None:
    cells = [cell("A-A", host=host, outcome=Outcome.FAILED) for host in ("pi", "local")]
    services = [service("lucid-a", host=host, log=(f"log of {host}",)) for host in ("pi", "local")]
    lines = texts(failures(report(cells, services), 80))
    assert lines.index("    log of pi") > lines.index("  lucid-a @ pi: last log lines")
    assert lines.index("    log of local") > lines.index("  lucid-a @ local: last log lines")


def test_findings_are_counted_by_check_and_by_file() -> None:
    lines = findings(bad_tree())
    assert lines[-1] == "77 findings in 7 files"
    assert "    11  svc0/Dockerfile" in lines


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "no-such-encoding"])
@pytest.mark.parametrize("make", [green, broken, bad_tree])
def test_every_line_can_be_said_in_old_encodings(encoding: str, make: object) -> None:
    known = "ascii" if encoding.startswith("no") else encoding
    for line in whole(make(), 80):  # type: ignore[operator]
        encodable(line, encoding).encode(known)


def test_signs_have_a_form_in_ascii_and_strangers_an_escape() -> None:
    assert encodable("1✓ 1✗ × 日", "ascii") == r"1ok 1F x \u65e5"
    assert encodable("1✓ × é", "cp1252") == "1ok × é"
    assert encodable("1✓ × 日", "utf-8") == "1✓ × 日"


def test_rows_stand_in_the_order_of_the_details() -> None:
    cells = [
        replace(cell("A-A", "lucid-a", Outcome.FAILED), severity="low"),
        *(replace(cell(f"A-{at}", "lucid-b", Outcome.FAILED), severity="critical") for at in range(2)),
        replace(cell("A-A", "lucid-c", Outcome.FAILED), severity="critical"),
    ]
    lines = whole(report(cells), 80)
    rows = [line.split()[0] for line in lines if line.startswith("lucid-")]
    details = [line.split()[1].rstrip(":") for line in lines if line.startswith("── lucid-")]
    assert rows == details == ["lucid-b", "lucid-c", "lucid-a"]
