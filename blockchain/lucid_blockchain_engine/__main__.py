"""Assembles the blockchain engine and runs it; logic belongs in modules of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_chain.blocks import GENESIS_TIME, Genesis
from lucid_service.health import DEGRADED, HEALTHY
from lucid_service.start import start

from lucid_blockchain_engine.engine import Engine, engine
from lucid_blockchain_engine.grpc_api import grpc_server
from lucid_blockchain_engine.handlers import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lucid_service.app import Context
    from lucid_service.config import Environment


@dataclass(frozen=True)
class Settings:
    """Which chain it is, where it is kept, and the port of gRPC."""

    genesis: Genesis
    blocks: Path
    grpc_port: int


def read_settings(source: Environment) -> Settings:
    """Read the engine's own variables."""
    genesis = Genesis(
        source.choice("BLOCKCHAIN_NETWORK", ("lucid_blocks",), default="lucid_blocks"),
        source.choice("CONSENSUS_ALGORITHM", ("PoOT",), default="PoOT"),
        GENESIS_TIME,
        source.integer("BLOCK_TIME_SECONDS", 1, 3600, default=10),
    )
    return Settings(genesis, source.folder("BLOCKS_DIR"), source.port("GRPC_PORT"))


@asynccontextmanager
async def provide(context: Context) -> AsyncIterator[Engine]:
    """Make the engine, and serve it over gRPC."""
    settings: Settings = context.settings
    address = f"{context.config.host or '[::]'}:{settings.grpc_port}"
    async with engine(settings.blocks, settings.genesis) as node, grpc_server(node, address):
        yield node


def condition(node: Engine) -> str:
    """Say that an engine which makes no blocks does not do its work."""
    return DEGRADED if node.complaint else HEALTHY


if __name__ == "__main__":
    start(operations=OPERATIONS, settings=read_settings, provide=provide, condition=condition)
