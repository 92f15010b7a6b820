"""Each question is asked once, whoever asks, and many are asked at the same time."""

from __future__ import annotations

import threading
from functools import partial
from itertools import count

import pytest

from pytest_lucid.engine.asking import Once, together
from pytest_lucid.errors import EngineError


def test_a_question_is_asked_once() -> None:
    numbers = count(1)
    once = Once()
    assert [once.ask("q", lambda: next(numbers)) for _ in range(3)] == [1, 1, 1]


def test_an_error_is_remembered_and_raised_anew_each_time() -> None:
    asked: list[int] = []

    def refuse() -> None:
        asked.append(1)
        raise EngineError("it does not answer")

    once = Once()
    raised = []
    for _ in range(2):
        with pytest.raises(EngineError, match=r"^it does not answer$") as caught:
            once.ask("q", refuse)
        raised.append(caught.value)
    assert len(asked) == 1
    assert raised[0] is not raised[1]


def test_a_broken_probe_is_told_to_all_who_ask() -> None:
    once = Once()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            once.ask("q", lambda: 1 / 0)


def test_threads_that_ask_at_the_same_time_wait_for_one_answer() -> None:
    asked: list[int] = []
    others_ask = threading.Event()
    once = Once()

    def gather() -> str:
        asked.append(1)
        assert others_ask.wait(10)
        return "answer"

    def ask_later() -> str:
        others_ask.set()
        return once.ask("q", gather)

    assert together([lambda: once.ask("q", gather), ask_later, ask_later]) == ["answer"] * 3
    assert len(asked) == 1


def test_questions_may_rest_on_others_when_fewer_can_be_asked_than_there_are() -> None:
    once = Once()

    def chain(number: int) -> int:
        return once.ask(number, lambda: chain(number - 1) + 1 if number else 0)

    assert together([partial(chain, number) for number in (9, 5, 0, 7, 9, 1)], most=2) == [9, 5, 0, 7, 9, 1]


def test_all_are_asked_at_the_same_time() -> None:
    everybody = threading.Barrier(6, timeout=10)
    assert len(together([everybody.wait] * 6)) == 6


def test_no_more_than_the_bound_are_under_way() -> None:
    lock = threading.Lock()
    under_way: list[int] = [0]
    most = [0]
    pause = threading.Event()

    def question() -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        pause.wait(0.01)
        with lock:
            under_way[0] -= 1

    together([question] * 20, most=3)
    assert most[0] <= 3


def test_all_end_before_the_first_error_is_raised() -> None:
    ended: list[int] = []

    def fail(number: int) -> None:
        ended.append(number)
        raise EngineError(str(number))

    with pytest.raises(EngineError, match=r"^1$"):
        together([partial(ended.append, 0), partial(fail, 1), partial(fail, 2), partial(ended.append, 3)])
    assert sorted(ended) == [0, 1, 2, 3]


def test_what_has_not_begun_does_not_begin_after_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    first = threading.Event()

    def question(number: int) -> None:
        begun.append(number)
        first.wait(10)

    def interrupted(_: object) -> None:
        first.set()
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_lucid.engine.asking.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        together([partial(question, number) for number in range(500)], most=1)
    assert len(begun) < 500
