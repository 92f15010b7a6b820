"""Merkle trees over chunk hashes in a database. Whether the chunks are held is not asked here, and nothing is HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_chain import merkle
from lucid_chain.database import Database, transaction
from lucid_service.errors import now

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

FILE = "merkle.sqlite3"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS trees (
    number INTEGER PRIMARY KEY,
    root BLOB NOT NULL UNIQUE,
    count INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    leaves BLOB NOT NULL,
    nodes BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
    root BLOB NOT NULL REFERENCES trees (root),
    session_id TEXT NOT NULL,
    PRIMARY KEY (root, session_id)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class StoredTree:
    """What is known of a tree without reading it: its root (32 bytes), its number of leaves, when it was stored."""

    root: bytes
    count: int
    created_at: str


class TreeStore:
    """The trees below one directory."""

    def __init__(self, directory: Path) -> None:
        self._database = Database(directory / FILE, _SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    async def add(self, session_id: str, leaves: bytes, tree: merkle.Tree) -> StoredTree:
        """Store `tree`, made over `leaves` for a session; the same tree is stored once, however often it is added."""
        return await self._database.run(_add, session_id, leaves, tree)

    async def find(self, root: bytes) -> StoredTree | None:
        """Return the tree with `root`."""
        return await self._database.run(_find, root)

    async def leaves(self, root: bytes, first: int, count: int) -> tuple[bytes, ...]:
        """Return the values of up to `count` leaves from number `first` on; none if the tree is unknown."""
        return await self._database.run(_leaves, root, first, count)

    async def proof(self, root: bytes, index: int) -> tuple[bytes, tuple[merkle.Step, ...]]:
        """Return the value of leaf `index` (32 bytes), and the steps from it to the root. Raises LookupError."""
        return await self._database.run(_proof, root, index)


def _add(connection: sqlite3.Connection, session_id: str, leaves: bytes, tree: merkle.Tree) -> StoredTree:
    with transaction(connection):
        connection.execute(
            "INSERT INTO trees (root, count, created_at, leaves, nodes) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (tree.root, tree.count, now(), leaves, tree.nodes),
        )
        connection.execute("INSERT INTO sessions VALUES (?, ?) ON CONFLICT DO NOTHING", (tree.root, session_id))
    stored = _find(connection, tree.root)
    if stored is None:
        raise LookupError(f"the tree {tree.root.hex()} is gone right after it was stored")
    return stored


def _find(connection: sqlite3.Connection, root: bytes) -> StoredTree | None:
    row = connection.execute("SELECT count, created_at FROM trees WHERE root = ?", (root,)).fetchone()
    return row and StoredTree(root, row[0], row[1])


def _leaves(connection: sqlite3.Connection, root: bytes, first: int, count: int) -> tuple[bytes, ...]:
    # substr of a blob counts bytes, from 1.
    query = "SELECT substr(leaves, ?, ?) FROM trees WHERE root = ?"
    row = connection.execute(query, (first * merkle.SIZE + 1, count * merkle.SIZE, root)).fetchone()
    found: bytes = row[0] if row else b""
    return tuple(found[at : at + merkle.SIZE] for at in range(0, len(found), merkle.SIZE))


def _proof(connection: sqlite3.Connection, root: bytes, index: int) -> tuple[bytes, tuple[merkle.Step, ...]]:
    row = connection.execute("SELECT number, count FROM trees WHERE root = ?", (root,)).fetchone()
    if row is None:
        raise LookupError(f"no tree has the root {root.hex()}")
    number, count = row
    with connection.blobopen("trees", "nodes", number, readonly=True) as nodes:

        def node(at: int) -> bytes:
            nodes.seek(at * merkle.SIZE)
            return nodes.read(merkle.SIZE)

        steps = merkle.proof(count, index, node)
    (leaf,) = _leaves(connection, root, index, 1)
    return leaf, steps
