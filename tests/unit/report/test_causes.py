from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from samples import cell, report

from pytest_lucid.report import github, html_file, junit, markdown
from pytest_lucid.report.causes import linked
from pytest_lucid.report.model import CellRecord, Outcome
from pytest_lucid.report.table import table
from pytest_lucid.report.terminal import failures, remedies

SEEN = "there is no container called lucid-a; expected it to run"


def missing(check: str, service: str | None = "lucid-a", **more: Any) -> CellRecord:
    answer = {"outcome": Outcome.FAILED, "about": "container lucid-a", "seen": SEEN, "host": "local", **more}
    return cell(check, service, **answer)


def cells() -> list[CellRecord]:
    """A container that is missing, its checks, one check of another cause, and one that passes."""
    return [
        missing("CTR-HEALTHY", severity="critical"),
        missing("CTR-RUNNING", severity="critical", decides=True),
        missing("RUN-USER", outcome=Outcome.ERROR),
        cell("CTR-USER", outcome=Outcome.FAILED, seen="found 0", host="local"),
        cell("DKF-USER"),
    ]


def test_the_check_that_decides_tells_it_and_the_others_point_to_it() -> None:
    found = {each.check: (each.outcome, each.cause) for each in linked(cells())}
    assert found == {
        "CTR-HEALTHY": (Outcome.UNJUDGED, "CTR-RUNNING[lucid-a@local]"),
        "CTR-RUNNING": (Outcome.FAILED, ""),
        "RUN-USER": (Outcome.UNJUDGED, "CTR-RUNNING[lucid-a@local]"),
        "CTR-USER": (Outcome.FAILED, ""),
        "DKF-USER": (Outcome.PASSED, ""),
    }


@pytest.mark.parametrize("outcome", [Outcome.WAIVED, Outcome.BELOW, Outcome.KNOWN, Outcome.PASSED])
def test_where_the_deciding_check_is_not_red_the_most_severe_of_the_others_tells_it(outcome: Outcome) -> None:
    made = [missing("CTR-RUNNING", outcome=outcome, decides=True), missing("CTR-CAPS"), missing("RUN-USER")]
    made.append(missing("CTR-HEALTHY", severity="critical"))
    found = {each.check: (each.outcome, each.cause) for each in linked(made)}
    assert found["CTR-RUNNING"] == (outcome, "")
    assert found["CTR-HEALTHY"] == (Outcome.FAILED, "")
    assert found["CTR-CAPS"] == found["RUN-USER"] == (Outcome.UNJUDGED, "CTR-HEALTHY[lucid-a@local]")


def test_what_is_no_longer_red_is_left_as_it_is() -> None:
    made = [missing("CTR-RUNNING", decides=True), missing("CTR-TMP", outcome=Outcome.WAIVED, until="2027-01-31")]
    assert [each.outcome for each in linked(made)] == [Outcome.FAILED, Outcome.WAIVED]


def test_hosts_and_things_are_told_apart() -> None:
    made = [
        missing("CTR-RUNNING", decides=True),
        missing("CTR-RUNNING", decides=True, host="pi"),
        missing("CTR-RUNNING", "lucid-b", about="container lucid-b", decides=True),
    ]
    assert {each.outcome for each in linked(made)} == {Outcome.FAILED}


def test_every_red_cell_stays_red_whatever_decides_it() -> None:
    made = report(list(linked(cells())))
    assert {each.check for each in made.red} == {"CTR-HEALTHY", "CTR-RUNNING", "RUN-USER", "CTR-USER"}
    assert {each.check for each in made.root_causes} == {"CTR-RUNNING", "CTR-USER"}


def test_the_terminal_tells_one_cause_once() -> None:
    made = report(list(linked(cells())))
    text = "\n".join(line.text for line in [*failures(made, 100), *remedies(made, 100)])
    assert text.count("no container called") == 1
    assert "2 cells more not judged because of this" in text
    assert text.count("RUN-USER") == 1
    assert "Do what RUN-USER needs." not in text
    assert "CTR-USER" in text
    rows = [line.text for line in table(made, 100)]
    assert any("2✗ 1·" in row and "1·" in row for row in rows)
    assert rows[-1].endswith("2 failed, 2 not judged, 1 passed")


def test_junit_keeps_each_cell_as_an_error_that_names_the_cause() -> None:
    suite = ET.fromstring(junit.write(report(list(linked(cells())))))[0]  # noqa: S314 - our own text
    assert (suite.get("failures"), suite.get("errors"), suite.get("tests")) == ("2", "2", "5")
    errors = {case.get("name"): error.get("message") for case in suite for error in case.iter("error")}
    assert errors == {
        "CTR-HEALTHY[lucid-a@local]": f"not judged, see CTR-RUNNING[lucid-a@local]: {SEEN}",
        "RUN-USER[lucid-a@local]": f"not judged, see CTR-RUNNING[lucid-a@local]: {SEEN}",
    }


def test_annotations_and_summary_tell_it_once() -> None:
    made = report(list(linked(cells())))
    assert github.write(made).count("no container called") == 1
    assert markdown.write(made).count("no container called") == 1


def test_the_page_lists_it_once_and_names_the_cause_at_each_cell() -> None:
    text = html_file.write(report(list(linked(cells()))))
    cause, _, following = text.partition("2 cells more not judged because of this")
    assert cause.count(f"<pre>{SEEN}</pre>") == following.count(f"<pre>{SEEN}</pre>") == 1
    data = json.loads(text.partition('type="application/json" id="data">')[2].partition("</script>")[0])
    assert sum(answer[-1] and "see CTR-RUNNING[lucid-a@local]" in str(answer[-1]) for answer in data["cells"]) == 2
