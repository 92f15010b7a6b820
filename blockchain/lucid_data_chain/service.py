"""What the data chain does with chunks and trees, without HTTP."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from lucid_chain import merkle

from lucid_data_chain.chunks import ChunkStore
from lucid_data_chain.trees import TreeStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from lucid_data_chain.trees import StoredTree


class MissingChunksError(Exception):
    """Some chunks of a tree are not stored; `names` has them in their order."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"{len(names)} chunks are not stored")
        self.names = names


MOST_TRANSFERS = 64
"""Chunks on their way in or out at a time; one whose client stalls takes 1 MiB of memory."""


class BusyError(Exception):
    """MOST_TRANSFERS chunks are on their way."""


class DataChain:
    """Chunks in one directory, trees over them in another."""

    def __init__(self, chunks: ChunkStore, trees: TreeStore) -> None:
        self.chunks = chunks
        self.trees = trees
        self._building = asyncio.Lock()
        self._transfers = 0

    @contextmanager
    def transfer(self) -> Iterator[None]:
        """Count a chunk as on its way. Raises BusyError."""
        if self._transfers >= MOST_TRANSFERS:
            raise BusyError
        self._transfers += 1
        try:
            yield
        finally:
            self._transfers -= 1

    async def build(self, session_id: str, names: tuple[str, ...]) -> StoredTree:
        """Store and return the tree over the chunks called `names`. Raises MissingChunksError or NoSpaceError."""
        if missing := await asyncio.to_thread(self.chunks.missing, names):
            raise MissingChunksError(missing)
        leaves = bytes.fromhex("".join(names))
        # Room for leaves, nodes and their copy in the database's log.
        self.chunks.ensure_space(6 * len(leaves))
        # One at a time: a second one would not be quicker, and takes its memory.
        async with self._building:
            tree = await asyncio.to_thread(merkle.Tree, leaves)
            return await self.trees.add(session_id, leaves, tree)


@asynccontextmanager
async def data_chain(chunks: Path, trees: Path, largest_chunk: int) -> AsyncIterator[DataChain]:
    """Open both stores, and close them at the end. Raises OSError if a volume cannot be written to."""
    store = ChunkStore(chunks, largest_chunk)
    store.prepare()
    tree_store = TreeStore(trees)
    try:
        yield DataChain(store, tree_store)
    finally:
        tree_store.close()
