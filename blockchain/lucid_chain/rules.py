"""Which block may follow which: used by who makes blocks and by who receives them. Nothing is stored here."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from lucid_chain import poot
from lucid_chain.blocks import (
    NO_HASH,
    Anchor,
    Block,
    Genesis,
    Header,
    Tally,
    encode,
    header_hash,
    merkle_root,
    slot_time,
    transaction_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lucid_chain.blocks import Transaction

MOST_TRANSACTIONS = 1000
MOST_BYTES = 1024 * 1024
"""Bytes of all transactions of a block, encoded."""


class InvalidBlockError(Exception):
    """A block breaks a rule; the message says which."""


@dataclass(frozen=True)
class State:
    """What the next block depends on: the newest block, the tallies by node, and the leaders of recent slots."""

    genesis: Genesis
    tip: Header
    tip_hash: str
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    leaders: Mapping[int, str] = field(default_factory=dict)

    def leader(self, slot: int) -> str:
        """Return the node that leads `slot`, if its block follows the newest one."""
        return poot.leader(slot, self.tip_hash, self.tallies.values(), self.leaders)


def genesis_block(genesis: Genesis) -> Block:
    """Return the block at height 0: the same on every node with the same parameters."""
    root = merkle_root([transaction_id(genesis)])
    header = Header(0, 0, NO_HASH, root, slot_time(genesis, 0), 1, poot.NO_LEADER)
    return Block(header, header_hash(header), (genesis,))


def first_state(block: Block) -> State:
    """Return the state after the block at height 0. Raises InvalidBlockError if it cannot be one."""
    if len(block.transactions) == 1 and isinstance(genesis := block.transactions[0], Genesis):
        try:
            expected = genesis_block(genesis)
        except ValueError as error:
            raise InvalidBlockError(f"block 0: {genesis.time!r} is not a time") from error
        if block == expected:
            return State(genesis, block.header, block.hash)
    raise InvalidBlockError("block 0: not the genesis that its parameters give")


def make_block(state: State, slot: int, transactions: Sequence[Transaction]) -> Block:
    """Return the block of `slot` with `transactions`, in whatever order they are given."""
    by_id = dict(sorted((transaction_id(transaction), index) for index, transaction in enumerate(transactions)))
    header = Header(
        height=state.tip.height + 1,
        slot=slot,
        previous_hash=state.tip_hash,
        merkle_root=merkle_root(list(by_id)),
        timestamp=slot_time(state.genesis, slot),
        transaction_count=len(by_id),
        validator=state.leader(slot),
    )
    return Block(header, header_hash(header), tuple(transactions[index] for index in by_id.values()))


def check(state: State, block: Block) -> list[bytes]:
    """Return the ids of the transactions of `block` if it may follow `state`, otherwise raise InvalidBlockError.

    That no transaction is on the chain already, and no session is anchored twice, only who knows the chain can say.
    """
    ids = [transaction_id(transaction) for transaction in block.transactions]
    complaints = chain(_about_place(state, block.header), _about_content(block, ids), _about_identity(state, block))
    if complaint := next(complaints, None):
        raise InvalidBlockError(f"block {block.header.height}: {complaint}")
    return ids


def _about_place(state: State, header: Header) -> Iterator[str]:
    if header.height != state.tip.height + 1:
        yield f"height {header.height} does not follow {state.tip.height}"
    if header.slot <= state.tip.slot:
        yield f"slot {header.slot} does not follow {state.tip.slot}"
    if header.previous_hash != state.tip_hash:
        yield f"previous hash {header.previous_hash} is not {state.tip_hash}"
    if header.timestamp != _time(state.genesis, header.slot):
        yield f"timestamp {header.timestamp} is not that of slot {header.slot}"


def _about_content(block: Block, ids: Sequence[bytes]) -> Iterator[str]:
    if len(ids) > MOST_TRANSACTIONS:
        yield f"{len(ids)} transactions, at most {MOST_TRANSACTIONS} are allowed"
    if (size := sum(len(encode(transaction)) for transaction in block.transactions)) > MOST_BYTES:
        yield f"{size} bytes of transactions, at most {MOST_BYTES} are allowed"
    if len(ids) != block.header.transaction_count:
        yield f"{len(ids)} transactions, the header counts {block.header.transaction_count}"
    if any(first >= second for first, second in pairwise(ids)):
        yield "the transactions are not in the order of their ids, each once"
    if any(isinstance(transaction, Genesis) for transaction in block.transactions):
        yield "a second genesis"
    sessions = [transaction.session_hash for transaction in block.transactions if isinstance(transaction, Anchor)]
    if len(set(sessions)) < len(sessions):
        yield "a session is anchored twice"
    if block.header.merkle_root != merkle_root(ids):
        yield f"Merkle root {block.header.merkle_root} is not that of the transactions"


def _about_identity(state: State, block: Block) -> Iterator[str]:
    if block.header.validator != (leader := state.leader(block.header.slot)):
        yield f"validator {block.header.validator} does not lead slot {block.header.slot}, {leader} does"
    if block.hash != header_hash(block.header):
        yield f"hash {block.hash} is not that of the header"


def _time(genesis: Genesis, slot: int) -> str:
    try:
        return slot_time(genesis, slot)
    except (OverflowError, ValueError):
        return "a time"


def advance(state: State, block: Block) -> State:
    """Return the state after `block`, which `check` has accepted."""
    slot = block.header.slot
    recent = {led: node for led, node in state.leaders.items() if led > slot - poot.COOLDOWN}
    fresh = [transaction for transaction in block.transactions if isinstance(transaction, Tally)]
    return State(
        state.genesis,
        block.header,
        block.hash,
        poot.updated(state.tallies, fresh) if fresh else state.tallies,
        {**recent, slot: block.header.validator},
    )
