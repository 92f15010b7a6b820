"""Anchorings in a database: one per session, for ever. All functions run in the database's thread.

An anchoring is pending until the engine has the transaction, processing until a block has it, then confirmed. Only an
engine that has forgotten the transaction brings it back to pending; confirmed and rejected are for ever.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from lucid_chain.blocks import Anchor, decode_transaction, encode, transaction_id
from lucid_chain.database import transaction
from lucid_service.errors import now

from lucid_session_anchoring.models import Status

if TYPE_CHECKING:
    import sqlite3

FILE = "anchoring.sqlite3"

SCHEMA = """
CREATE TABLE IF NOT EXISTS anchorings (
    session_id TEXT PRIMARY KEY,
    anchoring_id TEXT NOT NULL UNIQUE,
    anchor BLOB NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'confirmed', 'rejected')),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    block_height INTEGER,
    block_hash TEXT,
    CHECK ((status = 'confirmed') = (block_height IS NOT NULL AND block_hash IS NOT NULL))
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS anchorings_by_status ON anchorings (status, created_at);
"""
_COLUMNS = "session_id, anchoring_id, anchor, status, created_at, updated_at, block_height, block_hash"


@dataclass(frozen=True)
class Anchoring:
    """One anchoring; height and hash of the block are there once it is confirmed."""

    session_id: str
    anchoring_id: str
    anchor: Anchor
    status: Status
    created_at: str
    updated_at: str
    block_height: int | None
    block_hash: str | None

    @property
    def transaction_id(self) -> str:
        """The id of the transaction that anchors the session, 64 hex digits."""
        return transaction_id(self.anchor).hex()


def add(connection: sqlite3.Connection, session_id: str, anchor: Anchor) -> Anchoring:
    """Store a pending anchoring, unless the session has one; return the session's."""
    with transaction(connection):
        connection.execute(
            "INSERT INTO anchorings VALUES (?, ?, ?, 'pending', ?, ?, NULL, NULL) ON CONFLICT (session_id) DO NOTHING",
            (session_id, str(uuid.uuid4()), encode(anchor), now(), now()),
        )
        found = find(connection, session_id)
    if found is None:
        raise LookupError(f"the session {session_id} is gone right after it was stored")
    return found


def find(connection: sqlite3.Connection, session_id: str) -> Anchoring | None:
    """Return the anchoring of a session."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM anchorings WHERE session_id = ?", (session_id,)).fetchone()  # noqa: S608  only names of columns
    return _anchoring(row) if row else None


def with_status(connection: sqlite3.Connection, status: Status, most: int) -> list[Anchoring]:
    """Return up to `most` anchorings with a status, the oldest first."""
    query = f"SELECT {_COLUMNS} FROM anchorings WHERE status = ? ORDER BY created_at LIMIT ?"  # noqa: S608  likewise
    return [_anchoring(row) for row in connection.execute(query, (status, most))]


def change(connection: sqlite3.Connection, session_id: str, before: Status, after: Status) -> None:
    """Give an anchoring another status than confirmed, if it has the status `before`."""
    connection.execute(
        "UPDATE anchorings SET status = ?, updated_at = ? WHERE session_id = ? AND status = ?",
        (after, now(), session_id, before),
    )


def confirm(connection: sqlite3.Connection, session_id: str, block_height: int, block_hash: str) -> None:
    """Note the block that has the transaction."""
    connection.execute(
        "UPDATE anchorings SET status = 'confirmed', updated_at = ?, block_height = ?, block_hash = ? "
        "WHERE session_id = ? AND status = 'processing'",
        (now(), block_height, block_hash, session_id),
    )


def counts(connection: sqlite3.Connection) -> dict[Status, int]:
    """Return how many anchorings there are by status."""
    found = dict(connection.execute("SELECT status, count(*) FROM anchorings GROUP BY status").fetchall())
    return {status: found.get(status, 0) for status in get_args(Status)}


def _anchoring(row: tuple[str, str, bytes, Status, str, str, int | None, str | None]) -> Anchoring:
    anchor = decode_transaction(row[2])
    if not isinstance(anchor, Anchor):
        raise TypeError(f"the session {row[0]} has a {type(anchor).__name__}, expected an Anchor")
    return Anchoring(row[0], row[1], anchor, *row[3:])
