from __future__ import annotations

from pytest_lucid.report import Cell, Outcome, render_matrix


def test_matrix_has_a_row_for_each_check_and_a_column_for_each_service() -> None:
    cells = [
        Cell("IMG-USER", "a", Outcome.PASSED),
        Cell("IMG-USER", "b", Outcome.FAILED),
        Cell("NET", None, Outcome.ERROR),
        Cell("IMG-PORTS", "a", Outcome.WAIVED),
        Cell("IMG-PORTS", "b", Outcome.SKIPPED),
    ]
    assert render_matrix(cells, ["a", "b"]) == [
        "           ┌ a",
        "           │ ┌ b",
        "           │ │ ┌ the stack or the tree as a whole",
        "IMG-PORTS  x s",
        "IMG-USER   . F",
        "NET            E",
        "",
        "3 checks × 2 services: 1 passed (.), 1 skipped (s), 1 waived (x), 1 failed (F), 1 error (E)",
    ]


def test_matrix_without_checks_of_the_stack_has_no_column_for_them() -> None:
    assert render_matrix([Cell("A", "a", Outcome.PASSED)], ["a"])[:2] == ["   ┌ a", "A  ."]


def test_hosts_stand_side_by_side() -> None:
    cells = [
        Cell("DF", "a", Outcome.PASSED),
        Cell("IMG", "a", Outcome.PASSED, "pi"),
        Cell("IMG", "a", Outcome.FAILED, "local"),
        Cell("IMG", "b", Outcome.ERROR, "local"),
        Cell("NET", None, Outcome.PASSED, "pi"),
        Cell("NET", None, Outcome.SKIPPED, "local"),
    ]
    assert render_matrix(cells, ["a", "b"], ["pi", "local"]) == [
        "     ┌ a",
        "     │  ┌ b",
        "     │  │  ┌ the stack or the tree as a whole",
        "DF   .",
        "IMG  .F  E",
        "NET        .s",
        "",
        "The letters of a cell: pi, local",
        "",
        "3 checks × 2 services × 2 hosts: 3 passed (.), 1 skipped (s), 1 failed (F), 1 error (E)",
    ]


def test_one_host_looks_like_none() -> None:
    cells = [Cell("IMG", "a", Outcome.PASSED, "pi")]
    assert render_matrix(cells, ["a"], ["pi"]) == render_matrix(cells, ["a"])
