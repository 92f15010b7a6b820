"""The engine over gRPC: what is asked and answered, and the server. What is done belongs to the engine."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from lucid_chain.blocks import Genesis
from lucid_chain.rpc import chain_pb2 as rpc
from lucid_chain.rpc import chain_pb2_grpc
from lucid_chain.rpc.convert import MessageError, block_message, inclusion_message, transaction_of
from lucid_service.request_id import take_over

from lucid_blockchain_engine import pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from lucid_blockchain_engine.engine import Engine

    Context = grpc.aio.ServicerContext[Any, Any]

SERVICE = rpc.DESCRIPTOR.services_by_name["Chain"].full_name
LARGEST_MESSAGE = 64 * 1024
"""Bytes of a request; a transaction has 300."""
MOST_CALLS = 128
MOST_STREAMS = 16
MOST_STREAMS_OF_ONE = 4
"""Streams of blocks to one address, so that no client takes those of the others."""
MOST_WATCHERS = 16
"""Watches of the health service, which never end by themselves."""
GRACE = 2.0
"""Seconds that calls under way get at a stop."""
HEALTH_INTERVAL = 1.0
"""Seconds between two looks whether the engine makes blocks."""

_logger = logging.getLogger(__name__)

_HASH = re.compile(r"[0-9a-f]{64}")
_HIGHEST = 2**53

_OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_metadata_size", 8192),
    ("grpc.so_reuseport", 0),
    # A client that is gone without a word is noticed, and its stream ended.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Clients look after their connections in the same way.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
)


class Tracing(grpc.aio.ServerInterceptor):
    """Gives each call the request id and the trace that its client sent."""

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Take them over; the handler runs in the same context."""
        sent = handler_call_details.invocation_metadata or ()
        take_over({name: value for name, value in sent if isinstance(value, str)})
        return await continuation(handler_call_details)


class Healths(health.aio.HealthServicer):
    """The standard health service, with a bound on those who watch it."""

    def __init__(self) -> None:
        super().__init__()
        self._watchers = 0

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:  # noqa: N802  its name
        """Tell the status now and whenever it changes."""
        if self._watchers >= MOST_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MOST_WATCHERS} watch already")
        self._watchers += 1
        try:
            await super().Watch(request, context)
        finally:
            self._watchers -= 1


class ChainServicer(chain_pb2_grpc.ChainServicer):
    """Answers the calls of chain.proto."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams: Counter[str] = Counter()

    async def GetInfo(  # noqa: N802  the names of the calls are those of the interface
        self, _request: rpc.GetInfoRequest, _context: Context
    ) -> rpc.GetInfoResponse:
        """Tell which chain this is."""
        state = self._engine.state
        first = await self._engine.chain.block_at(0)
        return rpc.GetInfoResponse(
            genesis_hash=first.hash if first else "", height=state.tip.height, latest_hash=state.tip_hash
        )

    async def SubmitTransaction(  # noqa: N802
        self, request: rpc.SubmitTransactionRequest, context: Context
    ) -> rpc.SubmitTransactionResponse:
        """Take a transaction."""
        try:
            submitted = transaction_of(request.transaction)
        except MessageError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        if isinstance(submitted, Genesis):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a genesis cannot be submitted")
        try:
            name = await self._engine.submit(submitted)
        except pool.AnchoredError:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "another transaction anchors the session")
        except pool.FullError:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many transactions wait for a block")
        _logger.info("transaction %s is taken", name)
        return rpc.SubmitTransactionResponse(transaction_id=name)

    async def GetTransaction(  # noqa: N802
        self, request: rpc.GetTransactionRequest, context: Context
    ) -> rpc.GetTransactionResponse:
        """Tell where a transaction is."""
        if not _HASH.fullmatch(request.transaction_id):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a transaction's id has 64 hex digits")
        found = await self._engine.find(request.transaction_id)
        if found is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "the transaction is neither on the chain nor pending")
        return rpc.GetTransactionResponse(inclusion=inclusion_message(found.inclusion) if found.inclusion else None)

    async def GetBlock(  # noqa: N802
        self, request: rpc.GetBlockRequest, context: Context
    ) -> rpc.Block:
        """Give one block."""
        block = await self._engine.chain.block_at(request.height) if request.height <= _HIGHEST else None
        if block is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"the chain ends at {self._engine.chain.height}")
        return block_message(block)

    async def StreamBlocks(  # noqa: N802
        self, request: rpc.StreamBlocksRequest, context: Context
    ) -> AsyncIterator[rpc.Block]:
        """Give blocks as they come."""
        height = request.from_height
        if height > _HIGHEST:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"a height is at most {_HIGHEST}")
        # A peer is ipv4:address:port, and its next connection has another port.
        client = context.peer().rpartition(":")[0]
        if self._streams.total() >= MOST_STREAMS or self._streams[client] >= MOST_STREAMS_OF_ONE:
            message = f"{self._streams[client]} streams are open from there, {self._streams.total()} in all"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, message)
        self._streams[client] += 1
        try:
            while True:
                await self._engine.chain.beyond(height - 1)
                block = await self._engine.chain.block_at(height)
                if block is None:
                    await context.abort(grpc.StatusCode.DATA_LOSS, f"the block at height {height} is gone")
                yield block_message(block)
                height += 1
        finally:
            self._streams[client] -= 1
            self._streams += Counter()


@asynccontextmanager
async def grpc_server(engine: Engine, address: str) -> AsyncIterator[int]:
    """Serve on `address` (`host:port`), with the standard health service and reflection; yield the port.

    Raises OSError if the port cannot be bound.
    """
    server = grpc.aio.server(interceptors=(Tracing(),), options=_OPTIONS, maximum_concurrent_rpcs=MOST_CALLS)
    chain_pb2_grpc.add_ChainServicer_to_server(ChainServicer(engine), server)
    healths = Healths()
    health_pb2_grpc.add_HealthServicer_to_server(healths, server)
    reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise OSError(f"gRPC at {address}: {error}") from error
    await server.start()
    watching = asyncio.create_task(_watch(engine, healths), name="gRPC health")
    try:
        yield port
    finally:
        watching.cancel()
        await healths.enter_graceful_shutdown()
        await server.stop(GRACE)


async def _watch(engine: Engine, healths: health.aio.HealthServicer) -> None:
    """Tell the health service, from time to time, whether the engine makes blocks."""
    while True:
        serving = health_pb2.HealthCheckResponse.SERVING
        status = health_pb2.HealthCheckResponse.NOT_SERVING if engine.complaint else serving
        for name in (health.OVERALL_HEALTH, SERVICE):
            await healths.set(name, status)
        await asyncio.sleep(HEALTH_INTERVAL)
