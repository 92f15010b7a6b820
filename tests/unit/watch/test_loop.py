"""The loop with real rounds on no engine: what cannot be checked is said once, and the loop ends when asked to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import pytest

from pytest_lucid.__main__ import main
from pytest_lucid.errors import ConfigError
from pytest_lucid.watch import process
from pytest_lucid.watch.loop import Watcher, Wishes
from pytest_lucid.watch.process import CAN_COPY, Copied, Fresh, RoundError, Runner
from pytest_lucid.watch.round import Plan, Rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

Stopped = TypeVar("Stopped", Rounds, Copied)
PATIENCE_SECONDS = 120
NOWHERE = ("127.0.0.1", 0)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan((f"unix://{tmp_path}/no.sock",), tmp_path)


@contextmanager
def closing_of(made: Stopped) -> Iterator[Stopped]:
    try:
        yield made
    finally:
        made.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("kind", [Fresh, Copied] if CAN_COPY else [Fresh])
def test_round_without_an_engine_says_why(plan: Plan, kind: type[Runner], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CAN_COPY", kind is Copied)
    with closing_of(Rounds(plan)) as rounds:
        for _round in range(2):
            with pytest.raises(RoundError, match=r"no\.sock"):
                rounds.make()


@pytest.mark.skipif(not CAN_COPY, reason="no process is copied here")
def test_process_that_was_killed_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "test_number.py").write_text("import os\ndef test(): print('of', os.getppid())\n")
    arguments, output = ["-s", str(tmp_path)], tmp_path / "output"

    def parent() -> int:
        assert runs.run(arguments, output) == 0
        return int(output.read_text().partition("of ")[2].split()[0])

    with closing_of(Copied(tmp_path)) as runs:
        first = parent()
        assert parent() == first
        os.kill(first, signal.SIGKILL)
        # What has ended is replaced; what ends in a run is said.
        with suppress(RoundError):
            runs.run(arguments, output)
        assert parent() != first


@pytest.mark.skipif(not CAN_COPY, reason="no process is copied here")
def test_process_that_ends_in_a_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "test_end.py").write_text("import os, signal\ndef test(): os.kill(os.getppid(), signal.SIGKILL)\n")
    with closing_of(Copied(tmp_path)) as runs, pytest.raises(RoundError, match=r"ended with -9; the next round"):
        runs.run([str(tmp_path)], tmp_path / "output")


@pytest.mark.skipif(not CAN_COPY, reason="no process is copied here")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_stop_lets_the_run_take_away_what_it_made(
    tmp_path: Path, sent: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[object] = []
    monkeypatch.setattr(process, "GRACE_SECONDS", 30)

    def kill(which: subprocess.Popen[bytes]) -> None:
        killed.append(which)
        which.kill()

    monkeypatch.setattr(process, "_kill", kill)
    program = "import pathlib, time\nhere = pathlib.Path(__file__).parent\ndef test():\n try:\n  "
    program += "(here / 'begun').write_text(str(__import__('os').getpid()))\n  time.sleep(600)\n"
    program += " finally:\n  (here / 'removed').touch()\n"
    (tmp_path / "test_long.py").write_text(program)
    codes: list[int | None] = []
    with closing_of(Copied(tmp_path)) as runs:
        thread = threading.Thread(target=lambda: codes.append(runs.run([str(tmp_path)], tmp_path / "output")))
        thread.start()
        until(lambda: (tmp_path / "begun").is_file() and bool((tmp_path / "begun").read_text()))
        if sent is signal.SIGINT:
            runs.stop()
        else:
            # A service manager sends it to every process.
            os.kill(int((tmp_path / "begun").read_text()), sent)
        thread.join(PATIENCE_SECONDS)
        assert (tmp_path / "removed").is_file()
        assert codes == [None if sent is signal.SIGINT else pytest.ExitCode.INTERRUPTED]
    # Its run is over, so the process ends by itself, and not when patience does.
    assert not killed


class _Waiting(Copied):
    """Starts a process that waits for the end of its input, and does not wait for it."""

    def _begin(self, arguments: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
        del arguments, output
        return self._start(["base64"], subprocess.PIPE, subprocess.PIPE)

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        del process
        return 0


def test_threads_that_stop_at_once_end_it_once(tmp_path: Path) -> None:
    for _attempt in range(20):
        runs, ready = _Waiting(tmp_path), threading.Barrier(8)
        runs.run([], tmp_path / "output")
        with ThreadPoolExecutor(8) as pool:
            for stopping in [pool.submit(_stop, runs, ready) for _ in range(8)]:
                stopping.result()


def _stop(runs: Runner, ready: threading.Barrier) -> None:
    ready.wait(PATIENCE_SECONDS)
    runs.stop()


def test_problem_that_lasts_is_said_once(plan: Plan) -> None:
    lines: list[str] = []
    watcher = Watcher(plan, Wishes(5, NOWHERE), lines.append, lambda _: None)
    for _attempt in range(2):
        watcher._round(None)  # noqa: SLF001 - twice, without the pause between
    watcher.end()
    assert [list(json.loads(line)) for line in lines] == [["time", "problem"]]
    assert not watcher.status.is_healthy(time.time())


def test_watcher_ends_while_it_waits(plan: Plan) -> None:
    lines: list[str] = []
    watcher = Watcher(plan, Wishes(5, NOWHERE), lines.append, lambda _: None)
    thread = threading.Thread(target=watcher.watch)
    thread.start()
    until(lambda: bool(lines))
    watcher.end()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_end_in_a_round_ends_the_round(plan: Plan) -> None:
    made: list[object] = []
    rounds = Rounds(plan)
    thread = threading.Thread(target=lambda: made.append(rounds.make()))
    thread.start()
    rounds.stop()
    thread.join(PATIENCE_SECONDS)
    assert made == [None]


ROWS = """
extends = "nothing"
[[service]]
name = "plain"
image = "a:1"
[[service]]
name = "named"
image = "a:1"
container = "other"
[[service]]
name = "labelled"
image = "a:1"
label = "app=web"
[[service]]
name = "composed"
image = "a:1"
compose = { project = "shop", service = "web" }
"""
SHOP = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
SECOND = SHOP | {"com.docker.compose.container-number": "2"}
FIRST = SHOP | {"com.docker.compose.container-number": "1"}


EVENTS: tuple[tuple[str, dict[str, str], list[str]], ...] = (
    ("plain", {}, ["plain"]),
    ("other", {}, ["named"]),
    ("x1", {"app": "web"}, ["labelled"]),
    ("shop-web-1", FIRST, ["composed"]),
    ("plain-2", {}, []),
    ("", {}, []),
    ("named", {}, []),
    ("labelled", {"app": "api"}, []),
    ("shop-web-2", SECOND, []),
    ("shop-web-run-1", FIRST | {"com.docker.compose.oneoff": "True"}, []),
)


def test_only_an_event_of_the_matrix_begins_a_round(plan: Plan) -> None:
    (plan.project / "lucid.toml").write_text(ROWS)
    watcher = Watcher(plan, Wishes(5, NOWHERE), lambda _: None, lambda _: None)
    waiting = watcher._queue  # noqa: SLF001 - what waits there is not to be seen otherwise
    watcher._round(None)  # noqa: SLF001 - a round on no engine reads the rows
    watcher.end()
    waiting.get_nowait()
    for container, labels, rows in EVENTS:
        watcher.notice(container, labels)
        assert [waiting.get_nowait() for _ in range(waiting.qsize())] == rows, container


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
