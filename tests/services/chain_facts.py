"""Transactions and chains that tests and benchmarks of the blockchain services are made from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from lucid_chain.blocks import GENESIS_TIME, Anchor, Genesis, Tally
from lucid_chain.rules import advance, check, first_state, genesis_block, make_block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lucid_chain.blocks import Block, Transaction
    from lucid_chain.rules import State

GENESIS = Genesis("lucid_blocks", "PoOT", GENESIS_TIME, 10)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def anchor(session: str, content: str = "") -> Anchor:
    return Anchor(digest("session" + session), digest("manifest" + content), digest("root" + content))


def tally(node: str, work: int = 1, period: int = 1, uptime: int = 10_000) -> Tally:
    return Tally(node, period, work, 0, uptime)


def start() -> State:
    return first_state(genesis_block(GENESIS))


def grow(state: State, slot: int, transactions: Iterable[Transaction] = ()) -> tuple[Block, State]:
    """Make the block of `slot`, check it as a receiver would, and return it with the state after it."""
    block = make_block(state, slot, list(transactions))
    check(state, block)
    return block, advance(state, block)


nodes = st.from_regex(r"[a-z0-9]{1,3}", fullmatch=True)
counts = st.integers(0, 2**40)
tallies = st.builds(Tally, nodes, st.integers(0, 5), counts, counts, st.integers(0, 10_000))
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
anchors = st.builds(Anchor, hashes, hashes, hashes)
submissions = st.one_of(tallies, anchors)
