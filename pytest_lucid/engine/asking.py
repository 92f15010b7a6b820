"""Asks each question once, and many at the same time: to another machine, every question takes its time."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar, cast

from pytest_lucid.errors import LucidError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

T = TypeVar("T")
# How many questions are under way at the same time; a connection keeps as many sockets open.
AT_ONCE = 32


class Once:
    """Answers by question. Whoever asks while another thread gathers the answer waits for it.

    An error is an answer, too: asking again what could not be answered would take as long for each check as it took
    for the first. Questions may ask others, without a circle.
    """

    def __init__(self) -> None:
        self._answers: dict[Hashable, Future[object]] = {}
        self._lock = threading.Lock()

    def ask(self, question: Hashable, gather: Callable[[], T]) -> T:
        """Return the answer to `question`; the first who asks gathers it."""
        with self._lock:
            known = self._answers.get(question)
            answer = self._answers.setdefault(question, Future())
        if known is None:
            try:
                answer.set_result(gather())
            except BaseException as error:  # noqa: BLE001 - raised below, for this thread as for all others
                answer.set_exception(error)
        if isinstance(failure := answer.exception(), LucidError):
            # A new one each time: a raised one collects the places through which it went.
            raise type(failure)(str(failure), about=failure.about) from failure
        return cast("T", answer.result())


def together(questions: Iterable[Callable[[], T]], most: int = AT_ONCE) -> list[T]:
    """Ask all at the same time, `most` of them at most; return the answers in the order of the questions.

    Waits for all, and then raises the error of the first question that has none. What has not begun when this thread is
    interrupted does not begin.
    """
    asked = list(questions)
    if not asked:
        return []
    with ThreadPoolExecutor(min(len(asked), most)) as pool:
        try:
            wait(under_way := [pool.submit(question) for question in asked])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [each.result() for each in under_way]
