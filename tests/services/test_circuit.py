"""The circuit breaker's rule, by example and by thousands of random histories."""

from __future__ import annotations

import random

import pytest
from lucid_service.circuit import COOLDOWN, FAILURES, SUCCESSES, Call, Circuit, CircuitOpenError


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(clock)


def state(circuit: Circuit) -> str:
    return circuit.state


def fail(circuit: Circuit, times: int = 1) -> None:
    for _turn in range(times):
        with circuit.begin() as call:
            call.failed()


def succeed(circuit: Circuit, times: int = 1) -> None:
    for _turn in range(times):
        with circuit.begin() as call:
            call.succeeded()


def test_five_failures_in_a_row_open_it(circuit: Circuit) -> None:
    fail(circuit, FAILURES - 1)
    assert state(circuit) == "closed"
    fail(circuit)
    assert state(circuit) == "open"
    with pytest.raises(CircuitOpenError) as caught:
        circuit.begin()
    assert caught.value.wait == COOLDOWN


def test_a_success_between_failures_keeps_it_closed(circuit: Circuit) -> None:
    for _turn in range(10):
        fail(circuit, FAILURES - 1)
        succeed(circuit)
    assert state(circuit) == "closed"


def test_two_successes_after_the_cooldown_close_it(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, FAILURES)
    clock.now = COOLDOWN
    assert state(circuit) == "half-open"
    succeed(circuit)
    assert state(circuit) == "half-open"
    succeed(circuit)
    assert state(circuit) == "closed"
    fail(circuit, FAILURES - 1)
    assert state(circuit) == "closed"


def test_a_failed_trial_opens_it_for_another_cooldown(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, FAILURES)
    clock.now = COOLDOWN
    succeed(circuit)
    fail(circuit)
    assert state(circuit) == "open"
    clock.now = 2 * COOLDOWN - 0.1
    assert state(circuit) == "open"
    clock.now = 2 * COOLDOWN
    succeed(circuit, SUCCESSES)
    assert state(circuit) == "closed"


def test_one_trial_at_a_time(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, FAILURES)
    clock.now = COOLDOWN
    with circuit.begin(), pytest.raises(CircuitOpenError):
        circuit.begin()
    # The trial said nothing, as when a client leaves: the next one may try.
    succeed(circuit, SUCCESSES)
    assert state(circuit) == "closed"


def test_late_results_of_an_earlier_state_count_for_nothing(circuit: Circuit, clock: Clock) -> None:
    late = [circuit.begin() for _turn in range(20)]
    fail(circuit, FAILURES)
    clock.now = COOLDOWN
    for call in late[:10]:
        with call:
            call.succeeded()
    assert state(circuit) == "half-open"
    succeed(circuit, SUCCESSES)
    for call in late[10:]:
        with call:
            call.failed()
    assert state(circuit) == "closed"


@pytest.mark.parametrize("seed", range(300))
def test_rule_holds_in_random_histories(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  a history, no secret
    clock = Clock()
    circuit = Circuit(clock)
    running: list[Call] = []
    opened: float | None = None
    for _step in range(400):
        clock.now += chance.choice((0, 0, 0, 0.5, 7, 31))
        before = state(circuit)
        if before == "open":
            assert opened is not None
            assert clock.now - opened < COOLDOWN
        if chance.random() < 0.5:
            try:
                running.append(circuit.begin())
                refused = False
            except CircuitOpenError:
                refused = True
            assert (before == "open" and refused) or (before == "closed" and not refused) or before == "half-open"
        elif running:
            with running.pop(chance.randrange(len(running))) as call:
                chance.choice((call.succeeded, call.failed, call.failed, lambda: None))()
            if state(circuit) == "open" and before != "open":
                opened = clock.now
            # Open and closed never follow each other without a trial.
            assert before != "open" or state(circuit) != "closed"
    for call in running:
        with call:
            pass
    # From whatever state, a peer that works again is used again.
    clock.now += COOLDOWN
    succeed(circuit, SUCCESSES)
    assert state(circuit) == "closed"
