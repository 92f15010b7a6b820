"""What Dockerfiles begin with alike is built once, and nothing waits for more than that."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from pytest_lucid.engine.asking import together
from pytest_lucid.stack.build_order import BuildProgress, wait_for_shared

BASE = "FROM debian AS builder\nRUN apt-get update\n"
DEADLINE_SECONDS = 10


def builds(*ends: str) -> list[BuildProgress]:
    return [BuildProgress((BASE + end).encode()) for end in ends]


def is_waiting(all_builds: list[BuildProgress], number: int) -> bool:
    thread = threading.Thread(target=wait_for_shared, args=(all_builds, number), daemon=True)
    thread.start()
    thread.join(0.2)
    return thread.is_alive()


def test_a_build_waits_until_the_first_is_past_what_they_share() -> None:
    made = builds("COPY a /\n", "COPY b /\n")
    assert is_waiting(made, 1)
    made[0].hear("Step 2/3 : RUN apt-get update\n")
    assert is_waiting(made, 1)
    made[0].hear("Step 3/3 : COPY a /\n")
    assert not is_waiting(made, 1)


def test_a_comment_or_a_line_break_is_no_difference() -> None:
    made = [
        BuildProgress(b"FROM debian\nRUN a b\nCOPY x /\n"),
        BuildProgress(b"# other\nFROM debian\n\nRUN a b\nCOPY y /\n"),
    ]
    made[0].hear("Step 2/3 : RUN a b")
    assert is_waiting(made, 1)


@pytest.mark.parametrize("other", ["FROM alpine\n", "FROM debian AS other\nRUN apt-get update\n"])
def test_builds_that_share_nothing_do_not_wait(other: str) -> None:
    assert not is_waiting([*builds("COPY a /\n"), BuildProgress(other.encode())], 1)


def test_a_flag_is_a_difference() -> None:
    made = [BuildProgress(b"FROM --platform=linux/arm64 debian\n"), BuildProgress(b"FROM debian\n")]
    assert not is_waiting(made, 1)


def test_a_build_that_failed_is_not_waited_for() -> None:
    made = builds("COPY a /\n", "COPY b /\n")
    made[0].end()
    assert not is_waiting(made, 1)


def test_the_first_of_all_waits_for_nobody() -> None:
    assert not is_waiting(builds("COPY a /\n", "COPY a /\n"), 0)


def test_each_step_is_made_by_one_of_many_builds() -> None:
    """The engine's cache in small: a step that is under way is not in it."""
    ends = ["COPY a /\nRUN a\n", "COPY b /\n", "COPY a /\nRUN b\n", "COPY b /\nRUN c\n", "COPY a /\nRUN a\nRUN d\n"]
    made = builds(*ends)
    cache: set[object] = set()
    work: list[object] = []

    def build(number: int) -> None:
        wait_for_shared(made, number)
        steps = made[number].instructions
        for at in range(len(steps)):
            made[number].hear(f"Step {at + 1}/{len(steps)} : x")
            if steps[: at + 1] not in cache:
                work.append(steps[: at + 1])
                threading.Event().wait(0.005)
                cache.add(steps[: at + 1])
        made[number].end()

    together((partial(build, number) for number in range(len(made))), 3)
    assert len(work) == len(set(work)) == 8
