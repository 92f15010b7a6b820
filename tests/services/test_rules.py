"""Which block may follow: one that keeps to every rule, and no other."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from blake3 import blake3
from chain_facts import GENESIS, anchor, digest, grow, start, submissions, tally
from hypothesis import given
from hypothesis import strategies as st
from lucid_chain import rules
from lucid_chain.blocks import (
    Block,
    Genesis,
    decode_transaction,
    encode,
    header_hash,
    merkle_root,
    slot_at,
    slot_time,
    transaction_id,
)
from lucid_chain.rpc.convert import block_message, block_of
from lucid_chain.rules import InvalidBlockError, check, first_state, genesis_block, make_block

if TYPE_CHECKING:
    import random

    from lucid_chain.blocks import Transaction


def changed(block: Block, **fields: Any) -> Block:
    """Return the block with other header fields, and the hash that belongs to them."""
    header = msgspec.structs.replace(block.header, **fields)
    return Block(header, header_hash(header), block.transactions)


def with_transactions(block: Block, *transactions: Transaction) -> Block:
    root = merkle_root([transaction_id(one) for one in transactions])
    header = msgspec.structs.replace(block.header, merkle_root=root, transaction_count=len(transactions))
    return Block(header, header_hash(header), transactions)


def ordered(*transactions: Transaction) -> list[Transaction]:
    return sorted(transactions, key=transaction_id)


def test_hashes_never_change() -> None:
    # Written down once: a chain that is on a disk must still be valid with the next version.
    block, state = grow(start(), 7, [anchor("one"), tally("node-1", 3)])
    following, _state = grow(state, 9)
    assert [genesis_block(GENESIS).hash, block.hash, following.hash] == [
        "b0b8e3865823fc008278c9670c72a65289c77d1c6bd4800a5219002f37f36883",
        "139226d285937c3e8438766d0016d965ae24ba812df4d4e44049f21a39fcde83",
        "b1001dd0cc25640338c357d379191a6cfc04850712efb8e36a3bb1d98f53cba0",
    ]


def test_hashes_can_be_computed_by_anybody_from_the_json_of_the_fields() -> None:
    block, _state = grow(start(), 7, [anchor("one")])
    body = {"type": "anchor", "session_hash": digest("sessionone"), "manifest_hash": digest("manifest")}
    content = json.dumps({**body, "merkle_root": digest("root")}, separators=(",", ":")).encode()
    name = blake3(b"lucid transaction\x00" + content).digest()
    header = {
        "height": 1,
        "slot": 7,
        "previous_hash": genesis_block(GENESIS).hash,
        "merkle_root": blake3(b"\x00" + name).hexdigest(),
        "timestamp": "2025-01-01T00:01:10.000+00:00",
        "transaction_count": 1,
        "validator": "genesis",
    }
    assert block.hash == blake3(b"lucid block\x00" + json.dumps(header, separators=(",", ":")).encode()).hexdigest()


@given(st.lists(submissions, max_size=8), st.randoms(use_true_random=False))
def test_order_of_arrival_plays_no_part(transactions: list[Transaction], chance: random.Random) -> None:
    shuffled = chance.sample(transactions, len(transactions))
    assert make_block(start(), 3, transactions) == make_block(start(), 3, shuffled)


@given(submissions, submissions)
def test_different_transactions_have_different_ids(one: Transaction, two: Transaction) -> None:
    assert (transaction_id(one) == transaction_id(two)) == (one == two)


@given(submissions)
def test_transactions_come_back_from_what_is_stored(transaction: Transaction) -> None:
    assert decode_transaction(encode(transaction)) == transaction


@given(st.lists(submissions, max_size=5))
def test_blocks_come_back_from_their_messages(transactions: list[Transaction]) -> None:
    block = make_block(start(), 3, transactions)
    assert block_of(block_message(block)) == block


@given(st.integers(0, 10**9))
def test_a_slot_contains_its_beginning(slot: int) -> None:
    begin = datetime.fromisoformat(slot_time(GENESIS, slot))
    assert (slot_at(GENESIS, begin), slot_at(GENESIS, begin - timedelta(microseconds=1))) == (slot, slot - 1)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"height": 2}, "height 2 does not follow 0"),
        ({"height": 0}, "height 0 does not follow 0"),
        ({"slot": 0}, "slot 0 does not follow 0"),
        ({"slot": -1}, "slot -1 does not follow 0"),
        ({"slot": 2**63}, "timestamp"),
        ({"slot": 6}, "timestamp"),
        ({"previous_hash": digest("other")}, "previous hash"),
        ({"timestamp": "2025-01-01T00:00:51.000+00:00"}, "timestamp"),
        ({"transaction_count": 3}, "2 transactions, the header counts 3"),
        ({"merkle_root": digest("other")}, "Merkle root"),
        ({"validator": "node-1"}, "validator node-1 does not lead slot 5, genesis does"),
    ],
)
def test_header_that_breaks_a_rule_is_invalid(fields: dict[str, Any], complaint: str) -> None:
    state = start()
    block = make_block(state, 5, [anchor("one"), anchor("two")])
    check(state, block)
    with pytest.raises(InvalidBlockError, match=complaint):
        check(state, changed(block, **fields))


def test_hash_of_another_header_is_invalid() -> None:
    block = make_block(start(), 5, [])
    with pytest.raises(InvalidBlockError, match="is not that of the header"):
        check(start(), Block(block.header, digest("other"), ()))


def test_transactions_that_break_a_rule_are_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    state = start()
    block = make_block(state, 5, [])
    one, two = ordered(anchor("one"), anchor("two"))
    for transactions, complaint in [
        ((two, one), "not in the order of their ids"),
        ((one, one), "not in the order of their ids"),
        ((GENESIS,), "a second genesis"),
        (tuple(ordered(anchor("one", "a"), anchor("one", "b"))), "a session is anchored twice"),
    ]:
        with pytest.raises(InvalidBlockError, match=complaint):
            check(state, with_transactions(block, *transactions))
    monkeypatch.setattr(rules, "MOST_TRANSACTIONS", 1)
    with pytest.raises(InvalidBlockError, match="2 transactions, at most 1"):
        check(state, with_transactions(block, one, two))
    monkeypatch.setattr(rules, "MOST_TRANSACTIONS", 2)
    monkeypatch.setattr(rules, "MOST_BYTES", 100)
    with pytest.raises(InvalidBlockError, match="bytes of transactions, at most 100"):
        check(state, with_transactions(block, one, two))


def test_genesis_follows_from_its_parameters() -> None:
    first = genesis_block(GENESIS)
    assert first_state(first).genesis == GENESIS
    other = genesis_block(msgspec.structs.replace(GENESIS, block_time_seconds=5))
    assert other.hash != first.hash
    for wrong in (
        changed(first, validator="node-1"),
        Block(first.header, first.hash, other.transactions),
        Block(first.header, first.hash, ()),
        Block(first.header, first.hash, (anchor("one"),)),
        Block(first.header, first.hash, (Genesis("lucid_blocks", "PoOT", "yesterday", 10),)),
    ):
        with pytest.raises(InvalidBlockError, match="block 0"):
            first_state(wrong)


@given(st.lists(st.tuples(st.integers(1, 5), st.lists(submissions, max_size=4)), max_size=12))
def test_what_one_node_makes_another_accepts(steps: list[tuple[int, list[Transaction]]]) -> None:
    state, slot = start(), 0
    for wait, transactions in steps:
        slot += wait
        by_session = {getattr(one, "session_hash", transaction_id(one)): one for one in transactions}
        _block, state = grow(state, slot, by_session.values())
