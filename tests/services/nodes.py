"""A whole engine, its gRPC included, in the event loop of a test."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
from chain_facts import GENESIS
from lucid_blockchain_engine.engine import engine
from lucid_blockchain_engine.grpc_api import grpc_server
from lucid_chain.rpc.client import engine_client
from lucid_service.request_id import CURRENT, TRACE

if TYPE_CHECKING:
    import logging
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import pytest
    from lucid_blockchain_engine.engine import Engine
    from lucid_chain.rpc.client import EngineClient

QUICK = msgspec.structs.replace(GENESIS, block_time_seconds=1)


@asynccontextmanager
async def served(folder: Path, address: str = "127.0.0.1:0") -> AsyncIterator[tuple[Engine, int]]:
    """Run an engine with blocks every second; yield it with the port of its gRPC."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    async with engine(folder, QUICK) as node, grpc_server(node, address) as port:
        yield node, port


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another task brings about; the test bounds the time."""
    while not condition():  # noqa: ASYNC110  what it waits for tells nobody
        await asyncio.sleep(0.02)


def identities(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return a list to which every line of the engine's gRPC adds the request id and the trace that it belongs to."""
    seen: list[tuple[str, str]] = []

    def witness(_record: logging.LogRecord) -> bool:
        seen.append((CURRENT.get(), TRACE.get()[0]))
        return True

    caplog.set_level("INFO", "lucid_blockchain_engine.grpc_api")
    caplog.handler.addFilter(witness)
    return seen


@asynccontextmanager
async def asked(folder: Path) -> AsyncIterator[tuple[Engine, EngineClient]]:
    """Run an engine and a client of it."""
    async with served(folder) as (node, port), engine_client(f"127.0.0.1:{port}") as client:
        yield node, client
