"""Assembles session anchoring and runs it; logic belongs in modules of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_chain.rpc.client import engine_client
from lucid_service.start import start

from lucid_session_anchoring.anchoring import SessionAnchoring, session_anchoring
from lucid_session_anchoring.handlers import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lucid_service.app import Context
    from lucid_service.config import Environment


@dataclass(frozen=True)
class Settings:
    """Where the anchorings are kept, and the engine that they go to (`host:port`)."""

    anchorings: Path
    engine: str


def read_settings(source: Environment) -> Settings:
    """Read session anchoring's own variables."""
    return Settings(source.folder("ANCHORING_DIR"), source.url("BLOCKCHAIN_ENGINE_GRPC_URL").removeprefix("http://"))


@asynccontextmanager
async def provide(context: Context) -> AsyncIterator[SessionAnchoring]:
    """Make the service."""
    settings: Settings = context.settings
    async with engine_client(settings.engine) as client, session_anchoring(settings.anchorings, client) as service:
        yield service


if __name__ == "__main__":
    start(needs=("lucid-blockchain-engine",), operations=OPERATIONS, settings=read_settings, provide=provide)
