from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from samples import cell, report

from pytest_lucid.report.baseline import baseline_of, compare, comparison_lines
from pytest_lucid.report.model import Outcome, Place


def compared(then: list[Any], now: list[Any]) -> tuple[int, int, int]:
    answer = compare(baseline_of(report(then), "then.json"), report(now))
    return len(answer.new), len(answer.fixed), len(answer.unchanged)


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
    answer = compare(baseline_of(report([BAD]), "then.json"), report([cell("A-A"), replace(BAD, check="B-B")]))
    assert [line.text for line in comparison_lines(answer, "then.json", 60)] == [
        "",
        "── Since then.json: 1 new, 1 fixed, 0 unchanged ────────────",
        "  + new    B-B[lucid-a]",
        "  - fixed    A-A[lucid-a]",
    ]


def test_only_what_was_there_as_a_whole_is_known() -> None:
    baseline = baseline_of(report([FOUND]), "then.json")
    assert baseline.knows(replace(FOUND, places=FOUND.places[:1]))
    assert not baseline.knows(replace(FOUND, places=(*FOUND.places, Place("Dockerfile", 1, "z"))))
