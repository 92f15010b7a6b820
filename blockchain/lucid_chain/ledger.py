"""The chain in a database: blocks, their transactions, who is anchored. What a block must be like is not decided here.

All functions take the connection and run in the database's thread; see lucid_chain.database.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_chain import merkle
from lucid_chain.blocks import (
    Anchor,
    Block,
    Tally,
    decode_header,
    decode_transaction,
    encode,
    transaction_id,
)
from lucid_chain.poot import COOLDOWN
from lucid_chain.rules import InvalidBlockError, State, first_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lucid_chain.blocks import Header, Transaction

FILE = "chain.sqlite3"

SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (
    height INTEGER PRIMARY KEY,
    slot INTEGER NOT NULL UNIQUE,
    hash TEXT NOT NULL UNIQUE,
    header BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS transactions (
    id BLOB PRIMARY KEY,
    height INTEGER NOT NULL REFERENCES blocks (height),
    content BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS transactions_by_height ON transactions (height);
CREATE TABLE IF NOT EXISTS anchors (
    session_hash TEXT PRIMARY KEY,
    id BLOB NOT NULL REFERENCES transactions (id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tallies (
    node TEXT PRIMARY KEY,
    content BLOB NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Inclusion:
    """Where a transaction is on the chain, and the steps from its id to the Merkle root of the block."""

    transaction: Transaction
    block: Header
    block_hash: str
    proof: tuple[merkle.Step, ...]


def append(connection: sqlite3.Connection, block: Block, ids: Sequence[bytes], state: State) -> None:
    """Store a block that has been checked, with the ids of its transactions and the state after it.

    Must run within a transaction. Raises InvalidBlockError if a transaction or a session is on the chain already.
    """
    header = block.header
    try:
        connection.execute(
            "INSERT INTO blocks VALUES (?, ?, ?, ?)", (header.height, header.slot, block.hash, encode(header))
        )
        connection.executemany(
            "INSERT INTO transactions VALUES (?, ?, ?)",
            [
                (name, header.height, encode(transaction))
                for name, transaction in zip(ids, block.transactions, strict=True)
            ],
        )
        connection.executemany(
            "INSERT INTO anchors VALUES (?, ?)",
            [
                (transaction.session_hash, name)
                for name, transaction in zip(ids, block.transactions, strict=True)
                if isinstance(transaction, Anchor)
            ],
        )
    except sqlite3.IntegrityError as error:
        raise InvalidBlockError(f"block {header.height}: something of it is on the chain already ({error})") from error
    if any(isinstance(transaction, Tally) for transaction in block.transactions):
        connection.execute("DELETE FROM tallies")
        rows = [(tally.node, encode(tally)) for tally in state.tallies.values()]
        connection.executemany("INSERT INTO tallies VALUES (?, ?)", rows)


def load_state(connection: sqlite3.Connection) -> State | None:
    """Return the state after the newest block, or None without blocks."""
    genesis = block_at(connection, 0)
    tip = block_at(connection, None)
    if genesis is None or tip is None:
        return None
    tallies = [decode_transaction(content) for (content,) in connection.execute("SELECT content FROM tallies")]
    recent = connection.execute(
        "SELECT header FROM blocks WHERE slot > ? AND height > 0", (tip.header.slot - COOLDOWN,)
    )
    headers = [decode_header(content) for (content,) in recent]
    return State(
        first_state(genesis).genesis,
        tip.header,
        tip.hash,
        {tally.node: tally for tally in tallies if isinstance(tally, Tally)},
        {header.slot: header.validator for header in headers},
    )


def block_at(connection: sqlite3.Connection, height: int | None) -> Block | None:
    """Return the block at `height`, or the newest one for None."""
    query = "SELECT height, hash, header FROM blocks "
    query += "ORDER BY height DESC LIMIT 1" if height is None else "WHERE height = ?"
    row = connection.execute(query, () if height is None else (height,)).fetchone()
    return row and Block(decode_header(row[2]), row[1], _transactions(connection, row[0]))


def block_called(connection: sqlite3.Connection, name: str) -> Block | None:
    """Return the block with the hash `name`."""
    row = connection.execute("SELECT height FROM blocks WHERE hash = ?", (name,)).fetchone()
    return row and block_at(connection, row[0])


def headers(connection: sqlite3.Connection, first: int, count: int) -> list[tuple[str, Header]]:
    """Return hash and header of up to `count` blocks from height `first` up."""
    query = "SELECT hash, header FROM blocks WHERE height >= ? ORDER BY height LIMIT ?"
    return [(name, decode_header(content)) for name, content in connection.execute(query, (first, count))]


def inclusion(connection: sqlite3.Connection, name: bytes) -> Inclusion | None:
    """Return where the transaction with the id `name` is on the chain."""
    row = connection.execute("SELECT height, content FROM transactions WHERE id = ?", (name,)).fetchone()
    if row is None or (block := block_at(connection, row[0])) is None:
        return None
    ids = [transaction_id(transaction) for transaction in block.transactions]
    proof = merkle.Tree(b"".join(ids)).proof(ids.index(name))
    return Inclusion(decode_transaction(row[1]), block.header, block.hash, proof)


def anchor_of(connection: sqlite3.Connection, session_hash: str) -> bytes | None:
    """Return the id of the transaction that anchors a session."""
    row = connection.execute("SELECT id FROM anchors WHERE session_hash = ?", (session_hash,)).fetchone()
    return bytes(row[0]) if row else None


def _transactions(connection: sqlite3.Connection, height: int) -> tuple[Transaction, ...]:
    query = "SELECT content FROM transactions WHERE height = ? ORDER BY id"
    return tuple(decode_transaction(content) for (content,) in connection.execute(query, (height,)))
