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
        "           │ │ ┌ the stack as a whole",
        "IMG-PORTS  x s",
        "IMG-USER   . F",
        "NET            E",
        "",
        "3 checks × 2 services: 1 passed (.), 1 skipped (s), 1 waived (x), 1 failed (F), 1 error (E)",
    ]


def test_matrix_without_checks_of_the_stack_has_no_column_for_them() -> None:
    assert render_matrix([Cell("A", "a", Outcome.PASSED)], ["a"])[:2] == ["   ┌ a", "A  ."]
