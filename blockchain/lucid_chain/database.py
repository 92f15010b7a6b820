"""One SQLite database on a volume, used from a thread of its own. Tables and queries belong to the services."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

P = ParamSpec("P")
T = TypeVar("T")

_CACHE_KIB = 2048


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """Open the database at `path`, made with `schema` (statements that do nothing the second time).

    A transaction that was committed survives a kill and a power cut: WAL with synchronous=FULL. Transactions are
    begun and ended by `transaction`, never by the library.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    connection.executescript(schema)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block changes, all of it, or nothing if the block raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class Database:
    """A connection with its thread: calls are done one after the other, and the event loop never waits for a disk."""

    def __init__(self, path: Path, schema: str) -> None:
        self._thread = ThreadPoolExecutor(1, "database")
        self._connection = connect(path, schema)

    async def run(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `work` returns, called with the connection in the database's thread.

        A caller that is cancelled does not stop work that has begun: it is finished, and only its result is lost.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(self._connection, *args, **kwargs))

    def close(self) -> None:
        """Finish the work under way, then close the file."""
        self._thread.shutdown()
        self._connection.close()
