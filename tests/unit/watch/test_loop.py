"""The loop with real rounds on no engine: what cannot be checked is said once, and the loop ends when asked to."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest
from samples import RUN

from pytest_lucid.__main__ import main
from pytest_lucid.errors import ConfigError
from pytest_lucid.report.model import RunReport, ServiceRecord
from pytest_lucid.watch.loop import Watcher, Wishes
from pytest_lucid.watch.round import Outcomes, Plan, RoundError, Rounds

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_SECONDS = 120
NOWHERE = ("127.0.0.1", 0)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan((f"unix://{tmp_path}/no.sock",), tmp_path)


def test_round_without_an_engine_says_why(plan: Plan) -> None:
    with pytest.raises(RoundError, match=r"no\.sock"):
        Rounds(plan).make()


def test_problem_that_lasts_is_said_once(plan: Plan) -> None:
    lines: list[str] = []
    watcher = Watcher(plan, Wishes(5, NOWHERE), lines.append, lambda _: None)
    for _attempt in range(2):
        watcher._round(None)  # noqa: SLF001 - twice, without the pause between
    assert [list(json.loads(line)) for line in lines] == [["time", "problem"]]
    assert not watcher.status.is_healthy(time.time())


def test_watcher_ends_while_it_waits(plan: Plan) -> None:
    lines: list[str] = []
    watcher = Watcher(plan, Wishes(5, NOWHERE), lines.append, lambda _: None)
    thread = threading.Thread(target=watcher.watch)
    thread.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not lines and time.monotonic() < deadline:
        time.sleep(0.05)
    watcher.end()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_end_in_a_round_ends_the_round(plan: Plan) -> None:
    rounds = Rounds(plan)
    made: list[object] = []
    thread = threading.Thread(target=lambda: made.append(rounds.make()))
    thread.start()
    rounds.stop()
    thread.join(PATIENCE_SECONDS)
    assert made == [None]


def test_only_an_event_of_the_matrix_begins_a_round(plan: Plan) -> None:
    watcher = Watcher(plan, Wishes(5, NOWHERE), lambda _: None, lambda _: None)
    waiting = watcher._queue  # noqa: SLF001 - what waits there is not to be seen otherwise
    row = ServiceRecord("lucid-a", "lucid-a:latest", "", "")
    found = Outcomes(RunReport(RUN, (row,), ()), "")
    watcher.status, _ = watcher.status.after(found, time.time(), whole=True)
    watcher.notice("lucid-a-2")
    watcher.notice("")
    assert waiting.empty()
    watcher.notice("lucid-a")
    assert waiting.get_nowait() == "lucid-a"


@pytest.mark.parametrize(("every", "rounds"), [(4.9, None), (float("nan"), None), (60, 0)])
def test_senseless_numbers(every: float, rounds: int | None) -> None:
    with pytest.raises(ConfigError, match="expected"):
        Wishes(every, NOWHERE, rounds=rounds)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host="], "--host: expected a host"),
        (["--project=/nowhere"], "--project=/nowhere: no such folder"),
        (["--listen=nonsense"], "--listen=nonsense: expected an address and a port"),
        (["--every=1"], "--every=1: expected at least 5 seconds"),
        (["--rounds=0"], "--rounds=0: expected 1 or more"),
    ],
)
def test_wrong_usage_is_one_message(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(["watch", *arguments]) == 4
    assert capsys.readouterr().err.startswith(f"ERROR: {message}")
