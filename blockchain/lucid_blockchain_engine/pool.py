"""The transactions that wait for a block, in the database of the chain; all functions run in the database's thread.

A block takes those that came before its slot, the oldest slot first and by id within a slot: nodes that got the same
transactions in the same slots in different order make the same blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_chain import ledger
from lucid_chain.blocks import Anchor, decode_transaction, encode, transaction_id
from lucid_chain.database import transaction
from lucid_chain.rules import MOST_BYTES, MOST_TRANSACTIONS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from lucid_chain.blocks import Transaction

MOST_PENDING = 20_000
"""Ten blocks and more; each takes 1 KB of disk."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS pending (
    id BLOB PRIMARY KEY,
    slot INTEGER NOT NULL,
    content BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pending_by_slot ON pending (slot, id);
"""


class AnchoredError(Exception):
    """The session of an anchor is on the chain with other content."""


class FullError(Exception):
    """MOST_PENDING transactions wait already."""


@dataclass(frozen=True)
class Picked:
    """What goes into a block, and the ids of what leaves the pool with it."""

    transactions: tuple[Transaction, ...]
    leaving: tuple[bytes, ...]


def add(connection: sqlite3.Connection, submitted: Transaction, slot: int) -> bytes:
    """Store a transaction that came in `slot`, unless it is there or on the chain already; return its id.

    Raises AnchoredError or FullError.
    """
    name = transaction_id(submitted)
    with transaction(connection):
        if connection.execute("SELECT 1 FROM transactions WHERE id = ?", (name,)).fetchone():
            return name
        if isinstance(submitted, Anchor) and ledger.anchor_of(connection, submitted.session_hash):
            raise AnchoredError
        if not is_pending(connection, name) and count(connection) >= MOST_PENDING:
            raise FullError
        connection.execute(
            "INSERT INTO pending VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (name, slot, encode(submitted))
        )
    return name


def pick(connection: sqlite3.Connection, slot: int) -> Picked:
    """Return what the block of `slot` takes. Of two anchors of one session the first wins, and the other leaves too."""
    chosen: list[Transaction] = []
    leaving: list[bytes] = []
    sessions: set[str] = set()
    size = 0
    query = "SELECT id, content FROM pending WHERE slot < ? ORDER BY slot, id"
    for name, content in connection.execute(query, (slot,)):
        waiting = decode_transaction(content)
        if isinstance(waiting, Anchor):
            if waiting.session_hash in sessions or ledger.anchor_of(connection, waiting.session_hash):
                leaving.append(name)
                continue
            sessions.add(waiting.session_hash)
        size += len(content)
        if len(chosen) == MOST_TRANSACTIONS or size > MOST_BYTES:
            break
        chosen.append(waiting)
        leaving.append(name)
    return Picked(tuple(chosen), tuple(leaving))


def remove(connection: sqlite3.Connection, names: Iterable[bytes]) -> None:
    """Remove transactions from the pool."""
    connection.executemany("DELETE FROM pending WHERE id = ?", [(name,) for name in names])


def find(connection: sqlite3.Connection, name: bytes) -> Transaction | None:
    """Return the waiting transaction with the id `name`."""
    row = connection.execute("SELECT content FROM pending WHERE id = ?", (name,)).fetchone()
    return decode_transaction(row[0]) if row else None


def is_pending(connection: sqlite3.Connection, name: bytes) -> bool:
    """Return whether the transaction with the id `name` waits."""
    return find(connection, name) is not None


def waiting(connection: sqlite3.Connection, most: int) -> list[Transaction]:
    """Return up to `most` of the transactions that wait, the next ones first."""
    query = "SELECT content FROM pending ORDER BY slot, id LIMIT ?"
    return [decode_transaction(content) for (content,) in connection.execute(query, (most,))]


def count(connection: sqlite3.Connection) -> int:
    """Return how many transactions wait."""
    (number,) = connection.execute("SELECT count(*) FROM pending").fetchone()
    return int(number)
