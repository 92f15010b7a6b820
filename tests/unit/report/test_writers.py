from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families
from samples import HOSTILE, REPORTS, bad_tree, broken, cell, green, report, service
from sarif_pydantic import Sarif

from pytest_lucid.content.inert import inert
from pytest_lucid.errors import ConfigError
from pytest_lucid.report import (
    checkstyle,
    code_quality,
    csv_file,
    github,
    html_file,
    json_file,
    markdown,
    prometheus,
    sarif,
)
from pytest_lucid.report.findings import file_findings
from pytest_lucid.report.model import Outcome, Place, RunReport
from pytest_lucid.report.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
HARMLESS = inert(HOSTILE)


def hostile() -> RunReport:
    """As a run leaves it: what somebody else wrote is inert, and still full of signs that formats know."""
    answer = "::error::owned\n" + HARMLESS + '=cmd|"|`*_[x](javascript:y)\\ %0A @all'
    cells = [
        replace(each, seen=answer, reason=answer, places=(Place("a b%/ü,:.Dockerfile", 3, answer),) if at % 2 else ())
        for at, each in enumerate(broken().cells)
    ]
    return replace(broken(), cells=tuple(cells), services=(service("lucid-03", host="local", log=(answer,)),))


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("make", [green, broken, bad_tree, hostile, lambda: report([])])
def test_a_writer_gives_the_same_text_for_the_same_report(name: str, make: Callable[[], RunReport]) -> None:
    assert WRITERS[name](make()) == WRITERS[name](make())


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
    places = (Place("a b/ü.Dockerfile", 7, "It is root.", column=5),)
    run = report([cell("DKF-USER", outcome=Outcome.WAIVED, places=places, reason="Known.", until="2027-01-31")])
    made = json.loads(sarif.write(run))["runs"][0]
    (rule,), (result,) = made["tool"]["driver"]["rules"], made["results"]
    assert rule["help"]["text"] == "Do what DKF-USER needs."
    assert rule["properties"]["security-severity"] == "8.0"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b/%C3%BC.Dockerfile", "uriBaseId": "PROJECT"},
        "region": {"startLine": 7, "startColumn": 5},
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
    assert found[0].keys() >= {"description", "check_name", "fingerprint", "severity", "location"}
    assert {each["severity"] for each in found} == {"critical"}
    assert found[0]["location"] == {"path": "svc0/Dockerfile", "lines": {"begin": 3, "end": 3}}
    assert len({each["fingerprint"] for each in found}) == 77


def test_code_quality_has_what_code_climate_demands() -> None:
    found = json.loads(code_quality.write(bad_tree()))
    assert {(each["type"], *each["categories"]) for each in found} == {("issue", "Bug Risk")}


@REPORTS
def test_checkstyle_has_every_finding_once_by_file(make: Callable[[], RunReport]) -> None:
    root = ET.fromstring(checkstyle.write(make()))  # noqa: S314 - our own
    files = [file.get("name") for file in root]
    assert len(set(files)) == len(files)
    wanted = [finding for finding in file_findings(make()) if not finding.cell.until]
    assert len(list(root.iter("error"))) == len(wanted)
    assert {name for file in root for error in file for name in error.attrib} <= {
        *("line", "column", "severity", "message", "source")
    }


def test_checkstyle_is_sorted_and_leaves_waivers_out() -> None:
    places = (Place("b", 7, "Two."), Place("b", 3, "One.", column=9), Place("a", 1, "<&>"))
    waived = cell("DKF-A", outcome=Outcome.WAIVED, places=places, reason="Known.", until="2027-01-31")
    run = report([cell("DKF-USER", outcome=Outcome.FAILED, places=places), waived])
    root = ET.fromstring(checkstyle.write(run))  # noqa: S314 - our own
    answer = [(f.get("name"), e.get("line"), e.get("column"), e.get("source")) for f in root for e in f]
    assert answer == [(*place, "lucid.DKF-USER") for place in (("a", "1", "1"), ("b", "3", "9"), ("b", "7", "1"))]
    assert root[0][0].get("message") == "<&> Do what DKF-USER needs."
    assert root[0][0].get("severity") == "error"


def test_annotations_say_one_thing_a_line() -> None:
    lines = github.write(hostile()).splitlines()
    assert len(lines) == len(hostile().root_causes) == 7
    assert all(line.startswith("::error ") for line in lines)
    assert not any(line.count("::error::") > 1 for line in lines)
    assert any("file=a b%25/ü%2C%3A.Dockerfile,line=3,col=" in line for line in lines)


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


def test_html_tiles_show_waivers() -> None:
    cells = [cell("A-A"), cell("A-B"), cell("A-C", outcome=Outcome.WAIVED), cell("B-A", outcome=Outcome.WAIVED)]
    text = html_file.write(report(cells))
    assert ">✓ 2 1w</button>" in text
    assert ">w 1</button>" in text
