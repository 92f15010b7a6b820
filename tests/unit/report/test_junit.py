from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml, Skipped
from samples import REPORTS, cell, report, service

from pytest_lucid.content.inert import inert
from pytest_lucid.report import junit
from pytest_lucid.report.model import Outcome, Place, RunReport

if TYPE_CHECKING:
    from collections.abc import Callable


# What Jenkins' schema junit-10 allows, in a stricter form.
JUNIT = xmlschema.XMLSchema(Path(__file__).parent / "junit.xsd")


@REPORTS
def test_junit_follows_the_schema_and_is_read_back(make: Callable[[], RunReport], tmp_path: Path) -> None:
    run = make()
    file = tmp_path / "junit.xml"
    file.write_text(junit.write(run), "utf-8")
    JUNIT.validate(file)
    found = JUnitXml.fromfile(str(file))
    cases = [case for suite in found for case in suite]
    assert found.tests == len(run.cells) == len(cases)
    assert found.failures == run.count(Outcome.FAILED) == sum(suite.failures for suite in found)
    for suite in found:
        assert {p.name: p.value for p in suite.properties()}["lucid.matrix"] == "ab" * 32
    assert [suite._elem.get("file") for suite in found] == list(dict.fromkeys(cell.source.file for cell in run.cells))  # noqa: SLF001 - junitparser has no other way to the attribute
    names = [(case.classname, case.name) for case in cases]
    assert len(names) == len(set(names))


def test_junit_says_what_is_wrong_and_where() -> None:
    places = (Place("svc/Dockerfile", 7, "It is root."),)
    run = report(
        [
            cell("IMG-USER", outcome=Outcome.FAILED, host="local", seen="found '0'"),
            cell("DKF-USER", outcome=Outcome.FAILED, places=places),
            cell("IMG-SIZE", outcome=Outcome.WAIVED, reason="It is known.", until="2027-01-31"),
        ],
        [service("lucid-a", host="local", log=("the last line",))],
    )
    cases = {case.name: case for case in next(iter(JUnitXml.fromstring(junit.write(run).encode())))}
    user = cases["IMG-USER[lucid-a@local]"]
    assert user.classname == "lucid.image"
    assert (user.result[0].type, user.result[0].message) == ("high", "The claim of IMG-USER holds. found '0'")
    assert "Remedy: Do what IMG-USER needs." in user.result[0].text
    assert user.system_out == "the last line"
    assert "svc/Dockerfile:7: It is root." in cases["DKF-USER[lucid-a]"].result[0].text
    waived = cases["IMG-SIZE[lucid-a]"].result[0]
    assert isinstance(waived, Skipped)
    assert (waived.type, waived.message) == ("lucid.waived", "waived until 2027-01-31: It is known.")


def test_junit_stays_small_whatever_is_logged() -> None:
    log = tuple("x" * 100_000 for _ in range(20))
    cells = [
        cell(f"A-{at}", f"s{number}", Outcome.ERROR, seen="y" * 50_000, trace="z" * 50_000)
        for at in range(40)
        for number in range(40)
    ]
    text = junit.write(report(cells, [service(f"s{number}", log=log) for number in range(40)]))
    assert 10_000_000 < len(text.encode()) < 30_000_000
    assert "(left out" in text


@given(st.text())
@settings(max_examples=60)
def test_junit_is_xml_whatever_comes(text: str) -> None:
    answer = inert(text)
    run = report([cell("A-A", outcome=Outcome.FAILED, seen=answer, places=(Place(answer, 1, answer),))])
    assert ET.fromstring(junit.write(run)).tag == "testsuites"  # noqa: S314 - our own text


def test_two_tests_of_one_check_have_names_of_their_own() -> None:
    run = report([cell("A-A", test="test_one"), cell("A-A", test="test_two")])
    assert [case.name for case in next(iter(JUnitXml.fromstring(junit.write(run).encode())))] == [
        "A-A[lucid-a]",
        "A-A[lucid-a] test_two",
    ]
