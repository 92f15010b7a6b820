"""The block routes that the engine and the block manager have in common: what is asked and answered over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from lucid_service.api import Operation
from lucid_service.app import service_of
from lucid_service.errors import ApiError
from lucid_service.models import Hash, Input, Output
from msgspec import UNSET, Meta, UnsetType

from lucid_chain.blocks import Block, Header, transaction_id

if TYPE_CHECKING:
    from starlette.requests import Request

    from lucid_chain.chain import Chain

HIGHEST = 2**53
PAGE = 100

Height = Annotated[int, Meta(ge=0, le=HIGHEST)]


class HeightPath(Input, frozen=True):
    """Names a block by its height."""

    height: Height


class BlockPath(Input, frozen=True):
    """Names a block by its hash."""

    id: Hash


class Blocks(Input, frozen=True):
    """Which blocks to list: from height `first` up; without it, the newest ones."""

    first: Height | UnsetType = UNSET
    count: Annotated[int, Meta(ge=1, le=PAGE)] = PAGE


class BlockSummary(Output, frozen=True):
    """A block without its transactions."""

    height: int
    hash: Hash
    previous_hash: Hash
    merkle_root: Hash
    timestamp: str
    transaction_count: int
    validator: str
    slot: int


class BlockAnswer(BlockSummary, frozen=True):
    """A block with the ids of its transactions, in the order of the Merkle tree."""

    transaction_ids: tuple[Hash, ...]


class BlockList(Output, frozen=True):
    """Some blocks in ascending order, and the height of the newest one."""

    height: int
    blocks: tuple[BlockSummary, ...]


def summary(header: Header, name: str) -> BlockSummary:
    """Return the summary of a block for lists."""
    return BlockSummary(*_told(header, name))


def answer(block: Block) -> BlockAnswer:
    """Return the answer for one block."""
    ids = tuple(transaction_id(transaction).hex() for transaction in block.transactions)
    return BlockAnswer(*_told(block.header, block.hash), ids)


def _told(header: Header, name: str) -> tuple[int, str, str, str, str, int, str, int]:
    return (
        header.height,
        name,
        header.previous_hash,
        header.merkle_root,
        header.timestamp,
        header.transaction_count,
        header.validator,
        header.slot,
    )


async def list_blocks(request: Request, query: Blocks) -> BlockList:
    """List blocks."""
    chain = _chain(request)
    height = chain.height
    first = max(0, height + 1 - query.count) if query.first is UNSET else query.first
    found = await chain.summaries(first, query.count)
    return BlockList(height, tuple(summary(one.header, one.hash) for one in found))


async def latest_block(request: Request) -> BlockAnswer:
    """Give the newest block."""
    return _found(await _chain(request).block_at(None))


async def block_at_height(request: Request, path: HeightPath) -> BlockAnswer:
    """Give the block at a height."""
    return _found(await _chain(request).block_at(path.height))


async def block_with_id(request: Request, path: BlockPath) -> BlockAnswer:
    """Give the block with a hash."""
    return _found(await _chain(request).block_called(path.id))


def _chain(request: Request) -> Chain:
    chain: Chain = service_of(request).chain
    return chain


def _found(block: Block | None) -> BlockAnswer:
    if block is None:
        raise ApiError(404, _UNKNOWN)
    return answer(block)


_UNKNOWN = "The chain has no such block."
_ERRORS = {404: _UNKNOWN}
OPERATIONS = (
    Operation("GET", "/api/v1/blocks", list_blocks, "List blocks", {200: BlockList}, query=Blocks),
    Operation(
        "GET", "/api/v1/blocks/latest", latest_block, "Give the newest block", {200: BlockAnswer}, errors=_ERRORS
    ),
    Operation(
        "GET",
        "/api/v1/blocks/height/{height}",
        block_at_height,
        "Give the block at a height",
        {200: BlockAnswer},
        path=HeightPath,
        errors=_ERRORS,
    ),
)
BY_ID = Operation(
    "GET",
    "/api/v1/blocks/{id}",
    block_with_id,
    "Give the block with a hash",
    {200: BlockAnswer},
    path=BlockPath,
    errors=_ERRORS,
)
"""To be served after every other path below blocks, which it would match as well."""
