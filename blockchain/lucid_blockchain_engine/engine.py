"""The engine: takes transactions, makes a block in each slot, tells where transactions are. Neither HTTP nor gRPC."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lucid_chain.blocks import Transaction, now, slot_at, slot_time, transaction_id
from lucid_chain.chain import Chain
from lucid_chain.rules import State, genesis_block, make_block

from lucid_blockchain_engine import pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lucid_chain.blocks import Block, Genesis, Submission
    from lucid_chain.ledger import Inclusion

LONGEST_SLEEP = 5.0
"""Seconds until the clock is read again: it may have been set meanwhile."""

_logger = logging.getLogger(__name__)


class OtherChainError(Exception):
    """The volume holds a chain with other parameters; the message says what to do."""


@dataclass(frozen=True)
class Found:
    """A transaction, and where it is on the chain; pending without that."""

    transaction: Transaction
    inclusion: Inclusion | None


class Engine:
    """One node of a chain; `chain` is at least as long as its genesis."""

    def __init__(self, chain: Chain, genesis: Genesis) -> None:
        self.chain = chain
        self._genesis = genesis

    @property
    def state(self) -> State:
        """The state after the newest block."""
        if self.chain.state is None:
            raise RuntimeError("the chain has no genesis yet")
        return self.chain.state

    @property
    def slot(self) -> int:
        """The present slot, by the clock of this computer."""
        return slot_at(self._genesis, now())

    @property
    def complaint(self) -> str:
        """Why no block is made, or nothing."""
        return self.chain.overdue

    async def begin(self) -> None:
        """Read the chain, or make its genesis. Raises OtherChainError."""
        await self.chain.load()
        if self.chain.state is None:
            await self.chain.add(genesis_block(self._genesis))
        if self.state.genesis != self._genesis:
            raise OtherChainError(
                f"The volume holds a chain with {self.state.genesis}, the environment asks for {self._genesis}: "
                "set the environment to what the volume holds, or start with an empty volume."
            )

    async def run(self) -> None:
        """Make a block at the beginning of each slot, for ever. What a slot cannot store, the next one tries again."""
        while True:
            if (slot := self.slot) > self.state.tip.slot:
                try:
                    await self.produce(slot)
                except sqlite3.Error:
                    _logger.exception("the block of slot %d could not be stored", slot)
            await asyncio.sleep(min(self._seconds_to_next(), LONGEST_SLEEP))

    def _seconds_to_next(self) -> float:
        begins = datetime.fromisoformat(slot_time(self._genesis, self.slot + 1))
        return max(0.01, (begins - now()).total_seconds())

    async def produce(self, slot: int) -> Block:
        """Make, store and return the block of `slot` from the transactions that came before it."""
        picked = await self.chain.database.run(pool.pick, slot)
        block = await asyncio.to_thread(make_block, self.state, slot, picked.transactions)
        await self.chain.add(block, lambda connection: pool.remove(connection, picked.leaving))
        _logger.info(
            "block %d of slot %d: %d transactions, led by %s",
            block.header.height,
            slot,
            block.header.transaction_count,
            block.header.validator,
        )
        return block

    async def submit(self, submitted: Submission, slot: int | None = None) -> str:
        """Store a transaction for the next block and return its id; `slot` is the present one unless given.

        Raises pool.AnchoredError if its session is anchored otherwise, pool.FullError if too many wait.
        """
        name = await self.chain.database.run(pool.add, submitted, self.slot if slot is None else slot)
        return name.hex()

    async def find(self, name: str) -> Found | None:
        """Return the transaction with the id `name` (64 hex digits), on the chain or pending."""
        key = bytes.fromhex(name)
        # Pending first: it may get into a block between the two questions, but never back.
        pending = await self.chain.database.run(pool.find, key)
        if inclusion := await self.chain.inclusion(key):
            return Found(inclusion.transaction, inclusion)
        return Found(pending, None) if pending else None

    async def pending(self, most: int) -> tuple[int, list[tuple[str, Transaction]]]:
        """Return how many transactions wait, and up to `most` of them with their ids, the next ones first."""
        total = await self.chain.database.run(pool.count)
        first = await self.chain.database.run(pool.waiting, most)
        return total, [(transaction_id(waiting).hex(), waiting) for waiting in first]


@asynccontextmanager
async def engine(directory: Path, genesis: Genesis) -> AsyncIterator[Engine]:
    """Open the chain below `directory` and make blocks meanwhile. Raises OtherChainError, or OSError."""
    chain = Chain(directory, pool.SCHEMA)
    try:
        node = Engine(chain, genesis)
        await node.begin()
        producing = asyncio.create_task(node.run(), name="producing")
        try:
            yield node
        finally:
            producing.cancel()
            with suppress(asyncio.CancelledError):
                await producing
    finally:
        chain.close()
