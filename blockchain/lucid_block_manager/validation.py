"""Validates every stored block from the genesis up, as if each had just come. Repairing does not belong here."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from lucid_chain import ledger
from lucid_chain.database import connect
from lucid_chain.rules import InvalidBlockError, State, advance, check, first_state

if TYPE_CHECKING:
    from pathlib import Path

    from lucid_chain.chain import Chain

SECONDS = 5.0
"""How long one part takes: shorter than any client's patience."""
MOST_CURSORS = 8
"""Validations that can be gone on with; the oldest is forgotten. The state after a block has some KB a node."""


class UnknownCursorError(Exception):
    """No validation goes on from there: it never did, or is forgotten."""


@dataclass(frozen=True)
class Progress:
    """How many blocks were checked, the state after them, and what is wrong with the next; empty if nothing is."""

    checked: int = 0
    state: State | None = None
    complaint: str = ""


@dataclass(frozen=True)
class Report:
    """The verdict on a part of the chain: `cursor` says where to go on, and is empty at the end."""

    checked: int
    complaint: str
    complete: bool
    cursor: str = ""


class Validation:
    """Runs one part at a time, in a thread with its own connection; who asks for the same meanwhile shares it."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._kept: OrderedDict[str, Progress] = OrderedDict()
        self._running: dict[str, asyncio.Task[Report]] = {}
        self._turn = asyncio.Lock()
        self._stopping = threading.Event()

    async def run(self, cursor: str = "") -> Report:
        """Check the part after `cursor`, or the first one. Raises UnknownCursorError."""
        if cursor and cursor not in self._kept and cursor not in self._running:
            raise UnknownCursorError(cursor)
        if cursor not in self._running:
            self._running[cursor] = asyncio.create_task(self._run(cursor), name="validating")
        # A client that goes away must not end it for the others.
        return await asyncio.shield(self._running[cursor])

    def stop(self) -> None:
        """End the validation under way."""
        self._stopping.set()

    async def _run(self, cursor: str) -> Report:
        try:
            before = self._kept.get(cursor, Progress())
            height = self._chain.height
            async with self._turn:
                after = await asyncio.to_thread(validate, self._chain.path, height, self._stopping, before)
            if after.complaint or after.checked > height:
                return Report(after.checked, after.complaint, complete=after.checked > height)
            return Report(after.checked, "", complete=False, cursor=self._keep(after))
        finally:
            del self._running[cursor]

    def _keep(self, progress: Progress) -> str:
        cursor = secrets.token_hex(8)
        self._kept[cursor] = progress
        while len(self._kept) > MOST_CURSORS:
            self._kept.popitem(last=False)
        return cursor


def validate(path: Path, height: int, stopping: threading.Event, before: Progress | None = None) -> Progress:
    """Check the blocks after `before` up to `height` in the database at `path`, for SECONDS at most."""
    checked, state = (before.checked, before.state) if before else (0, None)
    deadline = time.monotonic() + SECONDS
    connection = connect(path, ledger.SCHEMA)
    try:
        while checked <= height and not stopping.is_set():
            state = _checked(connection, checked, state)
            checked += 1
            if time.monotonic() > deadline:
                break
    except (InvalidBlockError, msgspec.MsgspecError, sqlite3.Error) as error:
        text = str(error)
        return Progress(checked, state, text if isinstance(error, InvalidBlockError) else f"block {checked}: {text}")
    finally:
        connection.close()
    return Progress(checked, state, "stopped" if stopping.is_set() else "")


def _checked(connection: sqlite3.Connection, height: int, state: State | None) -> State:
    block = ledger.block_at(connection, height)
    if block is None:
        raise InvalidBlockError(f"block {height}: it is not stored")
    if state is None:
        return first_state(block)
    check(state, block)
    return advance(state, block)
