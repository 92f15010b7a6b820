"""A chain on a volume: checked, stored, read, waited for. Making or fetching blocks does not belong here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_chain import ledger
from lucid_chain.blocks import now, slot_at, transaction_id
from lucid_chain.database import Database, transaction
from lucid_chain.rules import State, advance, check, first_state

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from lucid_chain.blocks import Block, Header

MOST_MISSED = 3
"""Slots that may pass without a block until something is wrong."""


@dataclass(frozen=True)
class Summary:
    """A block without its transactions."""

    header: Header
    hash: str


class Chain:
    """The blocks in one directory. Only one process and one task may add to them."""

    def __init__(self, directory: Path, schema: str = "") -> None:
        """Open the database, made with `schema` besides the tables of the blocks."""
        self.path = directory / ledger.FILE
        self.database = Database(self.path, ledger.SCHEMA + schema)
        self._changed = asyncio.Event()
        self.state: State | None = None
        """The state after the newest block, None before the first."""

    async def load(self) -> None:
        """Read where the chain ends."""
        self.state = await self.database.run(ledger.load_state)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    @property
    def height(self) -> int:
        """The height of the newest block, -1 without any."""
        return self.state.tip.height if self.state else -1

    @property
    def overdue(self) -> str:
        """What is wrong with the age of the newest block, by the clock of this computer, or nothing."""
        if self.state is None:
            return "there is no block"
        missed = slot_at(self.state.genesis, now()) - self.state.tip.slot
        if missed < 0:
            return f"the newest block is {-missed} slots ahead of the clock"
        return f"no block for {missed} slots" if missed > MOST_MISSED else ""

    async def add(self, block: Block, also: Callable[[sqlite3.Connection], None] | None = None) -> None:
        """Check and store a block, and do `also` in the same transaction: when this returns, both are on the disk.

        Raises InvalidBlockError if the block may not follow, or sqlite3.Error; nothing is stored then.
        """
        if self.state is None:
            state, ids = first_state(block), [transaction_id(block.transactions[0])]
        else:
            # In a thread: a full block takes longer than a request should wait.
            ids = await asyncio.to_thread(check, self.state, block)
            state = advance(self.state, block)
        await self.database.run(_store, block, ids, state, also)
        self.state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def beyond(self, height: int) -> None:
        """Return once there is a block above `height`."""
        while self.height <= height:
            await self._changed.wait()

    async def block_at(self, height: int | None) -> Block | None:
        """Return the block at `height`, or the newest one for None."""
        return await self.database.run(ledger.block_at, height)

    async def block_called(self, name: str) -> Block | None:
        """Return the block with the hash `name`."""
        return await self.database.run(ledger.block_called, name)

    async def summaries(self, first: int, count: int) -> list[Summary]:
        """Return up to `count` blocks from height `first` up."""
        found = await self.database.run(ledger.headers, first, count)
        return [Summary(header, name) for name, header in found]

    async def inclusion(self, name: bytes) -> ledger.Inclusion | None:
        """Return where the transaction with the id `name` is on the chain."""
        return await self.database.run(ledger.inclusion, name)


def _store(
    connection: sqlite3.Connection,
    block: Block,
    ids: list[bytes],
    state: State,
    also: Callable[[sqlite3.Connection], None] | None,
) -> None:
    with transaction(connection):
        ledger.append(connection, block, ids, state)
        if also is not None:
            also(connection)
