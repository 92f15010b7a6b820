"""Validates every stored block from the genesis up, as if each had just come. Repairing does not belong here."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from lucid_chain import ledger
from lucid_chain.database import connect
from lucid_chain.rules import InvalidBlockError, State, advance, check, first_state

if TYPE_CHECKING:
    from pathlib import Path

    from lucid_chain.chain import Chain


@dataclass(frozen=True)
class Report:
    """How many blocks were checked, and what is wrong with the first bad one; empty if none is."""

    checked: int
    complaint: str


class Validation:
    """Runs one validation at a time, in a thread with its own connection; who asks meanwhile gets the same report."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._running: asyncio.Task[Report] | None = None
        self._stopping = threading.Event()

    async def run(self) -> Report:
        """Return the report of a validation."""
        if self._running is None or self._running.done():
            work = asyncio.to_thread(validate, self._chain.path, self._chain.height, self._stopping)
            self._running = asyncio.create_task(work, name="validating")
        # A client that goes away must not end it for the others.
        return await asyncio.shield(self._running)

    def stop(self) -> None:
        """End the validation under way."""
        self._stopping.set()


def validate(path: Path, height: int, stopping: threading.Event) -> Report:
    """Check the blocks 0 … `height` in the database at `path`."""
    connection = connect(path, ledger.SCHEMA)
    state: State | None = None
    checked = 0
    try:
        while checked <= height and not stopping.is_set():
            state = _checked(connection, checked, state)
            checked += 1
    except (InvalidBlockError, msgspec.MsgspecError, sqlite3.Error) as error:
        text = str(error)
        return Report(checked, text if isinstance(error, InvalidBlockError) else f"block {checked}: {text}")
    finally:
        connection.close()
    return Report(checked, "stopped" if stopping.is_set() else "")


def _checked(connection: sqlite3.Connection, height: int, state: State | None) -> State:
    block = ledger.block_at(connection, height)
    if block is None:
        raise InvalidBlockError(f"block {height}: it is not stored")
    if state is None:
        return first_state(block)
    check(state, block)
    return advance(state, block)
