"""Who leads a slot: the rule of the document, with the same result on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chain_facts import digest, grow, start, tallies, tally
from hypothesis import given
from hypothesis import strategies as st
from lucid_chain.blocks import Tally
from lucid_chain.poot import COOLDOWN, MOST_NODES, NO_LEADER, credit, leader, score, updated

if TYPE_CHECKING:
    import random

PREVIOUS = digest("previous")


@pytest.mark.parametrize(
    ("sessions", "megabytes", "expected"),
    [(0, 0, 0), (3, 0, 3), (3, 15, 3), (3, 16, 4), (0, 1, 1), (0, 5, 1), (0, 6, 2), (9, 5, 9)],
)
def test_credits_are_sessions_or_five_megabytes_each(sessions: int, megabytes: int, expected: int) -> None:
    assert credit(Tally("n", 1, sessions, megabytes, 0)) == expected


def test_highest_credits_times_uptime_leads() -> None:
    known = [tally("a", 10, uptime=5000), tally("b", 6, uptime=9000), tally("c", 5, uptime=10_000)]
    assert leader(20, PREVIOUS, known, {}) == "b"


@pytest.mark.parametrize(("uptime", "expected"), [(2000, "a"), (1999, "b")])
def test_uptime_below_a_fifth_does_not_lead(uptime: int, expected: str) -> None:
    assert leader(20, PREVIOUS, [tally("a", 1000, uptime=uptime), tally("b", 1, uptime=3000)], {}) == expected


@pytest.mark.parametrize(("led", "expected"), [(19, "b"), (4, "b"), (3, "a")])
def test_leader_rests_for_16_slots(led: int, expected: str) -> None:
    assert leader(20, PREVIOUS, [tally("a", 2), tally("b", 1)], {led: "a"}) == expected


def test_nobody_leads_when_nobody_may() -> None:
    assert leader(20, PREVIOUS, [], {}) == NO_LEADER
    assert leader(20, PREVIOUS, [tally("a", uptime=100)], {}) == NO_LEADER
    assert leader(20, PREVIOUS, [tally("a")], {19: "a"}) == NO_LEADER


def test_equals_take_turns_by_chance_of_the_past() -> None:
    equal = [tally("a"), tally("b"), tally("c")]
    led = {leader(20, digest(str(number)), equal, {}) for number in range(50)}
    assert led == {"a", "b", "c"}


@given(st.lists(tallies, max_size=20, unique_by=lambda one: one.node), st.randoms(use_true_random=False))
def test_order_of_the_tallies_plays_no_part(known: list[Tally], chance: random.Random) -> None:
    shuffled = chance.sample(known, len(known))
    assert leader(20, PREVIOUS, known, {}) == leader(20, PREVIOUS, shuffled, {})


@given(st.lists(tallies, max_size=20, unique_by=lambda one: one.node), st.dictionaries(st.integers(0, 25), st.text()))
def test_leader_is_eligible_and_nobody_eligible_scores_more(known: list[Tally], past: dict[int, str]) -> None:
    resting = {node for slot, node in past.items() if 20 - COOLDOWN <= slot < 20}
    eligible = {one.node: score(one) for one in known if one.uptime >= 2000 and one.node not in resting}
    led = leader(20, PREVIOUS, known, past)
    assert eligible.get(led) == max(eligible.values()) if eligible else led == NO_LEADER


def test_only_a_later_period_replaces_a_tally() -> None:
    known = updated({}, [tally("a", 1, period=2), tally("b", 1)])
    known = updated(known, [tally("a", 9, period=1), tally("a", 8, period=2), tally("b", 5, period=3)])
    assert (known["a"].sessions, known["b"].sessions) == (1, 5)


def test_nodes_are_bounded_and_the_best_stay() -> None:
    known = updated({}, [tally(f"n{number}", number) for number in range(MOST_NODES + 10)])
    assert len(known) == MOST_NODES
    assert "n9" not in known
    assert f"n{MOST_NODES + 9}" in known


def test_single_node_leads_every_17th_slot() -> None:
    _block, state = grow(start(), 1, [tally("a")])
    led = []
    for slot in range(2, 40):
        block, state = grow(state, slot)
        if block.header.validator == "a":
            led.append(slot)
    assert led == [2, 19, 36]
