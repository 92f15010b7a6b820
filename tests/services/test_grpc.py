"""What the engine answers over gRPC, and what it refuses."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from chain_facts import GENESIS, anchor
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from lucid_blockchain_engine import grpc_api
from lucid_chain import anchors
from lucid_chain.blocks import transaction_id
from lucid_chain.rpc import chain_pb2 as rpc
from lucid_chain.rpc import chain_pb2_grpc
from lucid_chain.rpc.client import AnchoredError, UnknownError, engine_client
from lucid_chain.rpc.convert import transaction_message
from lucid_service.request_id import take_over
from nodes import asked, identities, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from lucid_chain.blocks import Block

NAME = transaction_id(anchor("one")).hex()


def test_generated_code_is_that_of_the_protocol(root: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, root / "scripts/protocol.py", tmp_path], check=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert [path.name for path in made] == ["chain_pb2.py", "chain_pb2.pyi", "chain_pb2_grpc.py"]
    for path in made:
        assert (tmp_path / path).read_text("utf-8") == (root / "blockchain" / path).read_text("utf-8")


def test_transaction_goes_in_and_is_proven(tmp_path: Path) -> None:
    async def scene() -> None:
        async with asyncio.timeout(20), asked(tmp_path) as (node, client):
            with pytest.raises(UnknownError):
                await client.inclusion(NAME, anchor("one"))
            await client.submit(anchor("one"))
            await client.submit(anchor("one"))
            height = node.chain.height
            await node.chain.beyond(height + 1)
            place = await client.inclusion(NAME, anchor("one"))
            assert place is not None
            assert anchors.holds(place)
            with pytest.raises(AnchoredError):
                await client.submit(anchor("one", "other"))

    asyncio.run(scene())


def test_blocks_are_streamed_from_any_height_and_as_they_come(tmp_path: Path) -> None:
    async def scene() -> None:
        async with asyncio.timeout(20), asked(tmp_path) as (node, client):
            await node.chain.beyond(1)
            seen: list[Block] = []
            async for block in client.blocks(1):
                seen.append(block)
                if len(seen) == 3:
                    break
            assert [block.header.height for block in seen] == [1, 2, 3]
            assert seen[-1] == await client.block_at(3) == await node.chain.block_at(3)
            assert await client.latest_hash() == node.state.tip_hash
            with pytest.raises(UnknownError):
                await client.block_at(10_000)

    asyncio.run(scene())


def test_health_and_reflection_are_the_standard_ones(tmp_path: Path) -> None:
    async def scene() -> None:
        async with asyncio.timeout(20), served(tmp_path) as (node, port):
            await node.chain.beyond(0)
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                health: Any = health_pb2_grpc.HealthStub(channel)
                for service in ("", grpc_api.SERVICE):
                    statuses = health.Watch(health_pb2.HealthCheckRequest(service=service))
                    while (await statuses.read()).status != health_pb2.HealthCheckResponse.SERVING:
                        pass
                request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=grpc_api.SERVICE)
                stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
                answer = await stub.ServerReflectionInfo(iter([request])).read()
                files = answer.file_descriptor_response.file_descriptor_proto
                assert descriptor_pb2.FileDescriptorProto.FromString(files[0]).package == "lucid.chain.v1"

    asyncio.run(scene())


@asynccontextmanager
async def dialled(folder: Path) -> AsyncIterator[grpc.aio.Channel]:
    async with served(folder) as (_node, port), grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel


@pytest.mark.parametrize(
    "message",
    [
        rpc.Transaction(),
        rpc.Transaction(anchor=rpc.Anchor()),
        rpc.Transaction(anchor=rpc.Anchor(session_hash="x" * 64, manifest_hash="0" * 64, merkle_root="0" * 64)),
        rpc.Transaction(tally=rpc.Tally(node="Ä", period=1)),
        rpc.Transaction(tally=rpc.Tally(node="a", uptime=10_001)),
        rpc.Transaction(tally=rpc.Tally(node="a", sessions=2**63)),
        transaction_message(GENESIS),
    ],
)
def test_malformed_transaction_is_an_invalid_argument_and_leaves_no_trace(tmp_path: Path, message: Any) -> None:
    async def scene() -> None:
        async with asyncio.timeout(20), served(tmp_path) as (node, port):
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await chain_pb2_grpc.ChainStub(channel).SubmitTransaction(
                        rpc.SubmitTransactionRequest(transaction=message)
                    )
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert await node.pending(1) == (0, [])

    asyncio.run(scene())


def test_oversized_request_and_odd_arguments_are_refused(tmp_path: Path) -> None:
    async def code_of(call: Awaitable[Any]) -> grpc.StatusCode:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        return caught.value.code()

    async def scene() -> None:
        async with asyncio.timeout(20), dialled(tmp_path) as channel:
            stub = chain_pb2_grpc.ChainStub(channel)
            large = rpc.GetTransactionRequest(transaction_id="0" * grpc_api.LARGEST_MESSAGE)
            odd = rpc.GetTransactionRequest(transaction_id="0" * 64 + "\n")
            assert await code_of(stub.GetTransaction(large)) == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert await code_of(stub.GetTransaction(odd)) == grpc.StatusCode.INVALID_ARGUMENT
            assert await code_of(stub.GetBlock(rpc.GetBlockRequest(height=2**64 - 1))) == grpc.StatusCode.NOT_FOUND
            beyond = stub.StreamBlocks(rpc.StreamBlocksRequest(from_height=2**64 - 1))
            assert await code_of(beyond.read()) == grpc.StatusCode.INVALID_ARGUMENT

    asyncio.run(scene())


def test_streams_are_bounded_and_given_back(tmp_path: Path) -> None:
    async def scene() -> None:
        async with asyncio.timeout(20), dialled(tmp_path) as channel:
            stub = chain_pb2_grpc.ChainStub(channel)
            streams = [stub.StreamBlocks(rpc.StreamBlocksRequest()) for _ in range(grpc_api.MOST_STREAMS_OF_ONE)]
            for stream in streams:
                await stream.read()
            with pytest.raises(grpc.aio.AioRpcError, match="4 streams are open from there"):
                await stub.StreamBlocks(rpc.StreamBlocksRequest()).read()
            streams[0].cancel()
            while True:
                try:
                    await stub.StreamBlocks(rpc.StreamBlocksRequest()).read()
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.02)
                else:
                    break

    asyncio.run(scene())


def test_client_of_another_address_has_streams_of_its_own(tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            asyncio.timeout(20),
            served(tmp_path / "node", "[::]:0") as (_node, port),
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as greedy,
            engine_client(f"[::1]:{port}") as client,
        ):
            stub = chain_pb2_grpc.ChainStub(greedy)
            for _number in range(grpc_api.MOST_STREAMS_OF_ONE):
                await stub.StreamBlocks(rpc.StreamBlocksRequest()).read()
            assert (await anext(client.blocks(0))).header.height == 0

    asyncio.run(scene())


def test_watchers_of_health_take_no_call_from_the_others(tmp_path: Path) -> None:
    async def scene() -> None:
        async with asyncio.timeout(20), dialled(tmp_path) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            watchers = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(grpc_api.MOST_WATCHERS)]
            for watcher in watchers:
                await watcher.read()
            with pytest.raises(grpc.aio.AioRpcError, match="16 watch already"):
                await stub.Watch(health_pb2.HealthCheckRequest()).read()
            assert (await stub.Check(health_pb2.HealthCheckRequest())).status

    asyncio.run(scene())


def test_client_that_reads_no_blocks_holds_up_nobody(tmp_path: Path) -> None:
    async def scene() -> None:
        async with asyncio.timeout(20), dialled(tmp_path) as channel:
            stub = chain_pb2_grpc.ChainStub(channel)
            # The stream is open, and nothing of it is ever read.
            stalled = stub.StreamBlocks(rpc.StreamBlocksRequest())
            reading = stub.StreamBlocks(rpc.StreamBlocksRequest())
            assert [(await reading.read()).header.height for _number in range(3)] == [0, 1, 2]
            stalled.cancel()

    asyncio.run(scene())


@pytest.mark.parametrize("size", [20_000, 100_000])
def test_metadata_beyond_the_bound_is_refused(tmp_path: Path, size: int) -> None:
    async def scene() -> None:
        async with asyncio.timeout(20), dialled(tmp_path) as channel:
            stub = chain_pb2_grpc.ChainStub(channel)
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.GetInfo(rpc.GetInfoRequest(), metadata=(("a", "x" * size),))
            assert (await stub.GetInfo(rpc.GetInfoRequest())).latest_hash

    asyncio.run(scene())


def test_request_id_and_trace_go_on_over_grpc(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seen = identities(caplog)
    trace = "0af7651916cd43dd8448eb211c80319c"

    async def scene() -> None:
        async with asyncio.timeout(20), asked(tmp_path) as (_node, client):
            for number, offered in enumerate(("abc-1", "not sane")):
                take_over({"x-request-id": offered, "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
                await client.submit(anchor(str(number)))

    asyncio.run(scene())
    taken = [ids for ids in seen if ids[1] == trace]
    assert [name == "abc-1" for name, _trace in taken] == [True, False]
    assert "not sane" not in str(seen)


def test_taken_port_is_said(tmp_path: Path) -> None:
    async def scene() -> None:
        async with served(tmp_path / "one") as (_node, port):
            with pytest.raises(OSError, match=f"gRPC at 127.0.0.1:{port}"):
                async with served(tmp_path / "two", f"127.0.0.1:{port}"):
                    pass

    asyncio.run(scene())
