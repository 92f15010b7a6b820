"""The client of the engine's gRPC: what it bears from an engine that is not well, or not there."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from chain_facts import anchor, tally
from lucid_chain.blocks import transaction_id
from lucid_chain.rpc import chain_pb2 as rpc
from lucid_chain.rpc import chain_pb2_grpc
from lucid_chain.rpc import client as client_module
from lucid_chain.rpc.client import EngineClient, EngineError, engine_client
from lucid_chain.rpc.convert import transaction_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


NAME = transaction_id(anchor("one")).hex()


class Unwell(chain_pb2_grpc.ChainServicer):
    """An engine that answers each question with what a test gives it."""

    def __init__(self, answer: Callable[[], Awaitable[Any]]) -> None:
        self._answer = answer

    async def GetInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return await self._answer()

    async def GetBlock(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return await self._answer()

    async def GetTransaction(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return await self._answer()

    async def StreamBlocks(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        yield await self._answer()


@asynccontextmanager
async def unwell(answer: Callable[[], Awaitable[Any]]) -> AsyncIterator[EngineClient]:
    server = grpc.aio.server()
    chain_pb2_grpc.add_ChainServicer_to_server(Unwell(answer), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with engine_client(f"127.0.0.1:{port}") as client:
            yield client
    finally:
        await server.stop(0)


def test_engine_that_never_answers_is_an_error_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "DEADLINE", 0.3)

    async def scene() -> None:
        async with asyncio.timeout(5), unwell(asyncio.Event().wait) as client:
            for call in (client.latest_hash(), client.block_at(0), client.inclusion(NAME, anchor("one"))):
                with pytest.raises(EngineError, match="DEADLINE_EXCEEDED"):
                    await call

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (rpc.Block(hash="x" * client_module.LARGEST_MESSAGE), "RESOURCE_EXHAUSTED"),
        (rpc.Block(transactions=[rpc.Transaction()]), "the transaction is empty"),
        (rpc.Block(header=rpc.Header(previous_hash="x")), "sent what it should not"),
        (rpc.Block(transactions=[transaction_message(tally("a")), rpc.Transaction(tally=rpc.Tally())]), "should not"),
    ],
)
def test_block_that_is_none_is_an_error(message: Any, complaint: str) -> None:
    async def answer() -> Any:
        return message

    async def scene() -> None:
        async with asyncio.timeout(10), unwell(answer) as client:
            with pytest.raises(EngineError, match=complaint):
                await client.block_at(0)
            with pytest.raises(EngineError, match=complaint):
                await anext(client.blocks(0))

    asyncio.run(scene())


def test_engine_that_is_not_there_is_an_error(free_port: Callable[[], int]) -> None:
    async def scene() -> None:
        async with asyncio.timeout(10), engine_client(f"127.0.0.1:{free_port()}") as client:
            with pytest.raises(EngineError, match="UNAVAILABLE"):
                await client.latest_hash()
            with pytest.raises(EngineError, match="UNAVAILABLE"):
                await anext(client.blocks(0))

    asyncio.run(scene())
