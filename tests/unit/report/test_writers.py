from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml, Skipped
from prometheus_client.parser import text_string_to_metric_families
from samples import HOSTILE, bad_tree, broken, cell, green, report, service
from sarif_pydantic import Sarif

from pytest_lucid.content.inert import inert
from pytest_lucid.errors import ConfigError
from pytest_lucid.report import (
    code_quality,
    csv_file,
    github,
    html_file,
    json_file,
    junit,
    markdown,
    prometheus,
    sarif,
)
from pytest_lucid.report.baseline import baseline_of, compare, comparison_lines
from pytest_lucid.report.model import Outcome, Place, RunReport
from pytest_lucid.report.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
# What Jenkins' schema junit-10 allows, in a stricter form.
JUNIT = xmlschema.XMLSchema(Path(__file__).parent / "junit.xsd")
REPORTS = pytest.mark.parametrize(
    "make", [green, broken, bad_tree, lambda: report([])], ids=["ok", "ill", "bad", "none"]
)
HARMLESS = inert(HOSTILE)


def hostile() -> RunReport:
    """As a run leaves it: what somebody else wrote is inert, and still full of signs that formats know."""
    told = "::error::owned\n" + HARMLESS + '=cmd|"|`*_[x](javascript:y)\\ %0A @all'
    cells = [
        replace(each, seen=told, reason=told, places=(Place("a b%/ü,:.Dockerfile", 3, told),) if at % 2 else ())
        for at, each in enumerate(broken().cells)
    ]
    return replace(broken(), cells=tuple(cells), services=(service("lucid-03", host="local", log=(told,)),))


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("make", [green, broken, bad_tree, hostile, lambda: report([])])
def test_a_writer_gives_the_same_text_for_the_same_report(name: str, make: Callable[[], RunReport]) -> None:
    assert WRITERS[name](make()) == WRITERS[name](make())


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
    told = inert(text)
    run = report([cell("A-A", outcome=Outcome.FAILED, seen=told, places=(Place(told, 1, told),))])
    assert ET.fromstring(junit.write(run)).tag == "testsuites"  # noqa: S314 - our own text


def test_two_tests_of_one_check_have_names_of_their_own() -> None:
    run = report([cell("A-A", test="test_one"), cell("A-A", test="test_two")])
    assert [case.name for case in next(iter(JUnitXml.fromstring(junit.write(run).encode())))] == [
        "A-A[lucid-a]",
        "A-A[lucid-a] test_two",
    ]


@pytest.mark.parametrize("make", [green, broken, bad_tree, hostile])
def test_json_follows_its_schema_and_comes_back(make: Callable[[], RunReport]) -> None:
    text = json_file.write(make())
    jsonschema.validate(json.loads(text), json_file.schema())
    assert json_file.read(text, "it") == make()


def test_the_schema_in_the_documents_is_that_of_the_types() -> None:
    stored = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
    assert stored == json_file.schema(), "run `nox -s docs`"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it: expected a file of --lucid-json; the document: Invalid JSON"),
        ("{}", "it: expected a file of --lucid-json; run: Field required"),
        (json_file.write(replace(green(), schema=99)), "it: its schema is 99, expected 1"),
    ],
)
def test_what_is_no_report_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        json_file.read(text, "it")
    assert str(caught.value).startswith(message)


@REPORTS
def test_sarif_is_read_by_another(make: Callable[[], RunReport]) -> None:
    read = Sarif.model_validate_json(sarif.write(make()))
    found = read.runs[0].results or []
    assert len(found) == sum(len(c.places) for c in make().cells)


def test_sarif_carries_help_severity_and_waivers() -> None:
    places = (Place("a b/ü.Dockerfile", 7, "It is root."),)
    run = report([cell("DKF-USER", outcome=Outcome.WAIVED, places=places, reason="Known.", until="2027-01-31")])
    made = json.loads(sarif.write(run))["runs"][0]
    (rule,), (result,) = made["tool"]["driver"]["rules"], made["results"]
    assert rule["help"]["text"] == "Do what DKF-USER needs."
    assert rule["properties"]["security-severity"] == "8.0"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b/%C3%BC.Dockerfile", "uriBaseId": "PROJECT"},
        "region": {"startLine": 7},
    }
    assert result["suppressions"] == [{"kind": "external", "justification": "Known. (until 2027-01-31)"}]


def test_a_finding_that_moves_keeps_its_fingerprint() -> None:
    def prints(line: int) -> list[str]:
        places = (Place("Dockerfile", line, "It is root."), Place("Dockerfile", line + 1, "It is root."))
        return [
            f["fingerprint"]
            for f in json.loads(code_quality.write(report([cell("A", outcome=Outcome.FAILED, places=places)])))
        ]

    assert prints(3) == prints(30)
    assert len(set(prints(3))) == 2


def test_code_quality_has_what_gitlab_demands() -> None:
    found = json.loads(code_quality.write(bad_tree()))
    assert len(found) == 77
    assert found[0].keys() == {"description", "check_name", "fingerprint", "severity", "location"}
    assert {each["severity"] for each in found} == {"critical"}
    assert found[0]["location"] == {"path": "svc0/Dockerfile", "lines": {"begin": 3}}
    assert len({each["fingerprint"] for each in found}) == 77


def test_annotations_say_one_thing_a_line() -> None:
    lines = github.write(hostile()).splitlines()
    assert len(lines) == len(hostile().told) == 7
    assert all(line.startswith("::error ") for line in lines)
    assert not any(line.count("::error::") > 1 for line in lines)
    assert any("file=a b%25/ü%2C%3A.Dockerfile,line=3," in line for line in lines)


@pytest.mark.parametrize("line", ["::error::x", "   ::set-output name=a::b", "##[group]x", " ##vso[task.setvariable]x"])
def test_no_line_of_others_is_a_command_of_the_runner(line: str) -> None:
    assert not github.guarded(line).lstrip().startswith(("::", "##"))
    assert github.guarded(f"a {line}") == f"a {line}"


def test_markdown_is_inert() -> None:
    text = markdown.write(hostile())
    assert "<script" not in text
    assert "](javascript:" not in text
    assert "@all" not in text
    assert text.count("<details>") == text.count("</details>") == 1
    assert "❌ 3 of 3" in text


def test_markdown_names_what_follows_from_a_container_that_does_not_run() -> None:
    text = markdown.write(broken())
    assert "<summary>lucid-03: 7 failed, 14 not judged; it is exited, unhealthy</summary>" in text
    assert "- 14 cells more not judged because of this: CSL\\-13, " in text
    assert "Remedy: Do what CTR\\-2 needs." in text
    assert "Remedy: Do what HTTP" not in text


def test_markdown_shows_nothing_as_passed_that_was_not_judged() -> None:
    cells = [
        cell("CHS-A", outcome=Outcome.SKIPPED),
        cell("DKF-A", outcome=Outcome.WAIVED),
        cell("DKF-B"),
        cell("IMG-A"),
    ]
    assert "| lucid\\-a | ✅ 1 | ✅ 1 | 1 skipped |" in markdown.write(report(cells))


def test_markdown_stays_small() -> None:
    cells = [cell(f"A-{at}", outcome=Outcome.FAILED, seen="y" * 2_000) for at in range(500)]
    text = markdown.write(report(cells))
    assert len(text) < 501_000
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("make", [green, broken, hostile])
def test_prometheus_reads_it(make: Callable[[], RunReport]) -> None:
    families = {family.name: family for family in text_string_to_metric_families(prometheus.write(make()))}
    red = families["lucid_cell_red"].samples
    assert sum(sample.value for sample in red) == len(make().red)
    assert len(red) == len(make().cells)
    assert families["lucid_run_start_timestamp_seconds"].samples[0].value == 1795809600


def test_csv_has_a_row_for_each_cell_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_file.write(hostile()))))
    assert len(rows) == len(hostile().cells)
    assert tuple(rows[0]) == csv_file.COLUMNS
    formula = report([cell("A", outcome=Outcome.FAILED, seen="=cmd|' /C calc'!A0")])
    assert next(csv.DictReader(io.StringIO(csv_file.write(formula))))["seen"] == "'=cmd|' /C calc'!A0"


@REPORTS
def test_html_is_one_file_that_asks_for_nothing(make: Callable[[], RunReport]) -> None:
    text = html_file.write(make())
    assert "default-src 'none'" in unescape(text)
    for link in ("src=", "@import", 'http-equiv="refresh', "url(http", "<link"):
        assert link not in text.replace("script-src", "")


def test_html_says_no_script_of_others() -> None:
    run = replace(broken(), services=(service("lucid-03", host="local", log=(HOSTILE,), image=HOSTILE),))
    text = html_file.write(replace(run, cells=tuple(replace(each, seen=HOSTILE) for each in run.cells)))
    assert text.count("<script") == 2
    assert text.count("</script>") == 2


def compared(then: list[Any], now: list[Any]) -> tuple[int, int, int]:
    told = compare(baseline_of(report(then), "then.json"), report(now))
    return len(told.new), len(told.fixed), len(told.unchanged)


BAD = cell("A-A", outcome=Outcome.FAILED, seen="one")
FOUND = replace(BAD, places=(Place("Dockerfile", 3, "x"), Place("Dockerfile", 9, "y")))


@pytest.mark.parametrize(
    ("then", "now", "counts"),
    [
        ([], [], (0, 0, 0)),
        ([], [BAD], (1, 0, 0)),
        ([BAD], [replace(BAD, seen="two")], (0, 0, 1)),
        ([BAD], [cell("A-A")], (0, 1, 0)),
        ([BAD], [], (0, 0, 0)),
        ([BAD], [replace(BAD, outcome=Outcome.SKIPPED)], (0, 0, 0)),
        ([BAD], [replace(BAD, outcome=Outcome.KNOWN)], (0, 0, 1)),
        ([FOUND], [replace(FOUND, places=(Place("Dockerfile", 5, "x"), Place("Dockerfile", 1, "z")))], (1, 1, 1)),
        ([BAD], [replace(BAD, service="lucid-b")], (1, 0, 0)),
        ([cell("A-A")], [cell("A-A")], (0, 0, 0)),
    ],
)
def test_a_run_is_compared_with_an_earlier_one(then: list[Any], now: list[Any], counts: tuple[int, int, int]) -> None:
    assert compared(then, now) == counts


def test_the_comparison_is_told() -> None:
    told = compare(baseline_of(report([BAD]), "then.json"), report([cell("A-A"), replace(BAD, check="B-B")]))
    assert [line.text for line in comparison_lines(told, "then.json", 60)] == [
        "",
        "── Since then.json: 1 new, 1 fixed, 0 unchanged ────────────",
        "  + new    B-B[lucid-a]",
        "  - fixed    A-A[lucid-a]",
    ]


def test_only_what_was_there_as_a_whole_is_known() -> None:
    baseline = baseline_of(report([FOUND]), "then.json")
    assert baseline.knows(replace(FOUND, places=FOUND.places[:1]))
    assert not baseline.knows(replace(FOUND, places=(*FOUND.places, Place("Dockerfile", 1, "z"))))
