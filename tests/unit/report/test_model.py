from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import pytest
from samples import cell

from pytest_lucid.report.model import CellRecord, Outcome, Place, merge

FULL = cell(
    "IMG-USER",
    outcome=Outcome.WAIVED,
    host="pi",
    reason="It is known.",
    until="2027-01-31",
    seen="found '0'",
    places=(Place("a/Dockerfile", 3, "root"), Place("b/Dockerfile", 4, "root")),
    trace="Traceback",
    seconds=0.25,
)


@pytest.mark.parametrize("outcome", Outcome)
def test_a_record_survives_json(outcome: Outcome) -> None:
    record = replace(FULL, outcome=outcome)
    assert CellRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        FULL.check = "OTHER"  # type: ignore[misc]


def test_outcomes_have_names_of_their_own() -> None:
    assert [outcome.words for outcome in Outcome] == [
        "passed",
        "skipped",
        "waived",
        "below the threshold",
        "known before",
        "not judged",
        "failed",
        "error",
    ]
    assert [outcome for outcome in Outcome if outcome.is_red] == [Outcome.UNJUDGED, Outcome.FAILED, Outcome.ERROR]


def test_the_worst_phase_of_a_cell_counts_and_the_time_of_all() -> None:
    passed = cell("A-A", seconds=1.0)
    error = replace(passed, outcome=Outcome.ERROR, seconds=0.5)
    assert merge([error, passed]) == merge([passed, error]) == (replace(error, seconds=1.5),)


def test_cells_are_in_an_order_that_does_not_depend_on_the_run() -> None:
    cells = [cell("B-A"), cell("A-A", "lucid-b"), cell("A-A"), cell("A-A", None), cell("A-A", test="test_other")]
    assert merge(cells) == merge(reversed(cells))
    assert len(merge(cells)) == len(cells)
