"""The engine as its callers see it: every answer comes within bounds of time and size, or as an EngineError."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import grpc
from lucid_service.request_id import outgoing_headers

from lucid_chain.rpc import chain_pb2 as rpc
from lucid_chain.rpc.chain_pb2_grpc import ChainStub
from lucid_chain.rpc.convert import MessageError, block_of, inclusion_of, transaction_message

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from lucid_chain.blocks import Block, Transaction
    from lucid_chain.ledger import Inclusion

P = ParamSpec("P")
T = TypeVar("T")

DEADLINE = 5.0
"""Seconds for one question."""
SILENCE = 15.0
"""Seconds that the engine may send nothing at all, its answers to pings included."""
LARGEST_MESSAGE = 2 * 1024 * 1024
"""Bytes of one answer: a block has at most 1 MiB of transactions."""

_OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_metadata_size", 8192),
    # The proxy of the environment is not for containers of the same network.
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
    # The engine may be replaced at any time: its name is looked up again soon, and a dead connection is noticed.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", int(1000 * SILENCE) - 10_000),
)


class EngineError(Exception):
    """The engine did not answer, or not as it should; trying later may help."""


class AnchoredError(EngineError):
    """Another transaction anchors the session; trying again never helps."""


class RefusedError(EngineError):
    """The engine does not understand what it was sent: it may be of another version."""


class UnknownError(EngineError):
    """The engine has not got what was asked for."""


class EngineClient:
    """Asks one engine."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ChainStub(channel)

    async def latest_hash(self) -> str:
        """Return the hash of the newest block."""
        answer: rpc.GetInfoResponse = await _answer(
            self._stub.GetInfo(rpc.GetInfoRequest(), timeout=DEADLINE, metadata=_metadata())
        )
        return answer.latest_hash

    async def submit(self, transaction: Transaction) -> None:
        """Hand in a transaction; again makes no difference. Raises AnchoredError, or EngineError."""
        request = rpc.SubmitTransactionRequest(transaction=transaction_message(transaction))
        await _answer(self._stub.SubmitTransaction(request, timeout=DEADLINE, metadata=_metadata()))

    async def inclusion(self, name: str, transaction: Transaction) -> Inclusion | None:
        """Return where `transaction`, which has the id `name`, is on the chain, unchecked; None while it is pending.

        Raises UnknownError if the engine has not got it.
        """
        request = rpc.GetTransactionRequest(transaction_id=name)
        message: rpc.GetTransactionResponse = await _answer(
            self._stub.GetTransaction(request, timeout=DEADLINE, metadata=_metadata())
        )
        return _content(inclusion_of, message.inclusion, transaction) if message.HasField("inclusion") else None

    async def block_at(self, height: int) -> Block:
        """Return the block at `height`, unchecked. Raises UnknownError beyond the end."""
        return _content(
            block_of,
            await _answer(
                self._stub.GetBlock(rpc.GetBlockRequest(height=height), timeout=DEADLINE, metadata=_metadata())
            ),
        )

    async def blocks(self, first: int) -> AsyncGenerator[Block]:
        """Yield the blocks from height `first` on, unchecked, for ever. Raises EngineError when the engine is gone."""
        call = self._stub.StreamBlocks(rpc.StreamBlocksRequest(from_height=first), metadata=_metadata())
        try:
            while (message := await _answer(call.read())) is not grpc.aio.EOF:
                yield _content(block_of, message)
        finally:
            call.cancel()
        raise EngineError("the engine ended the stream of blocks")


@asynccontextmanager
async def engine_client(target: str) -> AsyncIterator[EngineClient]:
    """Make a client of the engine at `target` (`host:port`), which need not be there yet."""
    async with grpc.aio.insecure_channel(target, options=_OPTIONS) as channel:
        yield EngineClient(channel)


_KINDS = {
    grpc.StatusCode.ALREADY_EXISTS: AnchoredError,
    grpc.StatusCode.INVALID_ARGUMENT: RefusedError,
    grpc.StatusCode.NOT_FOUND: UnknownError,
}


def _metadata() -> tuple[tuple[str, str], ...]:
    """Return the id and the trace of the request that is served, if one is."""
    return tuple((name.lower(), value) for name, value in outgoing_headers().items())


async def _answer(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise _KINDS.get(error.code(), EngineError)(f"{error.code().name}: {error.details()}") from error


def _content(convert: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
    try:
        return convert(*arguments, **more)
    except MessageError as error:
        raise EngineError(f"the engine sent what it should not: {error}") from error
