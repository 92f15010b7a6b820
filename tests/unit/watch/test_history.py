"""What changed since the round before, and what changes too often."""

from __future__ import annotations

from samples import cell

from pytest_lucid.report.model import CellRecord, Outcome
from pytest_lucid.watch.history import History

GREEN, RED = Outcome.PASSED, Outcome.FAILED


def rounds(
    *outcomes: Outcome, check: str = "CTR-RUNNING"
) -> tuple[History, list[tuple[Outcome | None, Outcome, bool]]]:
    history, said = History(), []
    for outcome in outcomes:
        history, changes = history.after([cell(check, outcome=outcome)])
        said += [(change.before, change.cell.outcome, change.flapping) for change in changes]
    return history, said


def test_first_round_reports_what_is_red() -> None:
    history, changes = History().after([cell("CTR-RUNNING"), cell("CTR-USER", outcome=RED)])
    assert [(change.cell.check, change.before) for change in changes] == [("CTR-USER", None)]
    assert history.after([cell("CTR-RUNNING"), cell("CTR-USER", outcome=RED)])[1] == ()


def test_change_is_between_green_and_red_only() -> None:
    _, said = rounds(GREEN, Outcome.SKIPPED, Outcome.WAIVED, RED, Outcome.ERROR, GREEN)
    assert said == [(Outcome.WAIVED, RED, False), (Outcome.ERROR, GREEN, False)]


def test_fourth_change_within_ten_rounds_is_flapping() -> None:
    history, said = rounds(GREEN, RED, GREEN, RED, GREEN)
    assert [flapping for _, _, flapping in said] == [False, False, False, True]
    assert [key[0] for key in history.flapping] == ["CTR-RUNNING"]
    calm, _ = rounds(GREEN, RED, GREEN, RED, GREEN, *[GREEN] * 9)
    assert calm.flapping == ()


def test_whole_round_forgets_cells_that_are_gone_and_another_keeps_them() -> None:
    both: list[CellRecord] = [cell("CTR-RUNNING"), cell("HTTP-HEALTH")]
    history, _ = History().after(both)
    part, changes = history.after([cell("CTR-RUNNING", outcome=RED)], whole=False)
    assert len(part.outcomes) == 2
    assert [change.cell.check for change in changes] == ["CTR-RUNNING"]
    assert len(part.after([cell("CTR-RUNNING")])[0].outcomes) == 1
