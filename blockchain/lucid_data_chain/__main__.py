"""Assembles the data chain and runs it; logic belongs in modules of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_service.start import start

from lucid_data_chain.handlers import OPERATIONS
from lucid_data_chain.service import DataChain, data_chain

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from lucid_service.app import Context
    from lucid_service.config import Environment


@dataclass(frozen=True)
class Settings:
    """Where chunks and trees are kept, and how many bytes a chunk may have."""

    chunks: Path
    trees: Path
    largest_chunk: int


def read_settings(source: Environment) -> Settings:
    """Read the data chain's own variables."""
    return Settings(
        source.folder("CHUNKS_DIR"),
        source.folder("MERKLE_DIR"),
        source.integer("CHUNK_BYTES_MAX", 1024, 1024**3, default=16 * 1024**2),
    )


def provide(context: Context) -> AbstractAsyncContextManager[DataChain]:
    """Make the service."""
    settings: Settings = context.settings
    return data_chain(settings.chunks, settings.trees, settings.largest_chunk)


if __name__ == "__main__":
    start(operations=OPERATIONS, settings=read_settings, provide=provide)
