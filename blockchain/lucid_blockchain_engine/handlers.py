"""The engine over HTTP: what is asked and answered. What is done belongs to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from lucid_chain import block_api
from lucid_chain.blocks import FULL_UPTIME, Submission, Transaction
from lucid_chain.poot import COOLDOWN, LEAST_UPTIME, credit, score
from lucid_chain.wire import ProofPath, to_wire
from lucid_service.api import Operation
from lucid_service.app import service_of
from lucid_service.errors import ApiError
from lucid_service.models import Hash, Input, Output
from msgspec import UNSET, Meta, UnsetType

from lucid_blockchain_engine import pool

if TYPE_CHECKING:
    from starlette.requests import Request

    from lucid_blockchain_engine.engine import Engine

LARGEST_TRANSACTION = 4096
_PAGE = 100
_RANKED = 20


class Info(Output, frozen=True):
    """Which chain this is."""

    network: str
    consensus: str
    genesis_hash: Hash
    genesis_time: str
    block_time_seconds: int
    height: int
    latest_hash: Hash


class Status(Output, frozen=True):
    """How the chain grows; `complaint` says why it does not."""

    status: Literal["producing", "stalled"]
    complaint: str
    height: int
    latest_hash: Hash
    latest_timestamp: str
    slot: int
    pending_transactions: int


class HeightAnswer(Output, frozen=True):
    """The height of the newest block."""

    height: int


class TransactionPath(Input, frozen=True):
    """Names a transaction."""

    id: Hash


class Submitted(Output, frozen=True):
    """A transaction that is on the disk, and will be in a block."""

    transaction_id: Hash
    status: Literal["pending", "confirmed"]


class TransactionAnswer(Output, frozen=True):
    """A transaction; once it is confirmed, its block, and the proof from its id to the Merkle root of the block."""

    transaction_id: Hash
    status: Literal["pending", "confirmed"]
    transaction: Transaction
    block_height: int | UnsetType = UNSET
    block_hash: Hash | UnsetType = UNSET
    merkle_root: Hash | UnsetType = UNSET
    proof_path: ProofPath | UnsetType = UNSET


class Waiting(Output, frozen=True):
    """A transaction that waits for a block."""

    transaction_id: Hash
    transaction: Transaction


class Page(Input, frozen=True):
    """How many to list."""

    count: Annotated[int, Meta(ge=1, le=_PAGE)] = _PAGE


class Pending(Output, frozen=True):
    """How many transactions wait, and the next ones."""

    total: int
    transactions: tuple[Waiting, ...]


class Node(Output, frozen=True):
    """What the chain knows of a node."""

    node: str
    credits: int
    uptime: float
    score: int
    eligible: bool


class Consensus(Output, frozen=True):
    """The slot after the newest block, who leads it, and the nodes with the highest scores."""

    algorithm: str
    slot: int
    leader: str
    cooldown_slots: int
    node_count: int
    nodes: tuple[Node, ...]


async def info(request: Request) -> Info:
    """Tell which chain this is."""
    engine: Engine = service_of(request)
    state = engine.state
    first = await engine.chain.block_at(0)
    return Info(
        state.genesis.network,
        state.genesis.consensus,
        first.hash if first else "",
        state.genesis.time,
        state.genesis.block_time_seconds,
        state.tip.height,
        state.tip_hash,
    )


async def status(request: Request) -> Status:
    """Tell how the chain grows."""
    engine: Engine = service_of(request)
    state, complaint = engine.state, engine.complaint
    total, _first = await engine.pending(1)
    return Status(
        "stalled" if complaint else "producing",
        complaint,
        state.tip.height,
        state.tip_hash,
        state.tip.timestamp,
        engine.slot,
        total,
    )


async def height(request: Request) -> HeightAnswer:
    """Tell how long the chain is."""
    engine: Engine = service_of(request)
    return HeightAnswer(engine.chain.height)


async def submit(request: Request, body: Submission) -> Submitted:
    """Take a transaction."""
    engine: Engine = service_of(request)
    try:
        name = await engine.submit(body)
    except pool.AnchoredError as error:
        raise ApiError(409, "Another transaction anchors the session.") from error
    except pool.FullError as error:
        headers = {"Retry-After": str(engine.state.genesis.block_time_seconds)}
        raise ApiError(503, "Too many transactions wait for a block.", headers=headers) from error
    found = await engine.find(name)
    return Submitted(name, "confirmed" if found and found.inclusion else "pending")


async def transaction(request: Request, path: TransactionPath) -> TransactionAnswer:
    """Tell where a transaction is."""
    engine: Engine = service_of(request)
    found = await engine.find(path.id)
    if found is None:
        raise ApiError(404, "The transaction is neither on the chain nor pending.", {"id": path.id})
    if (place := found.inclusion) is None:
        return TransactionAnswer(path.id, "pending", found.transaction)
    return TransactionAnswer(
        path.id,
        "confirmed",
        found.transaction,
        place.block.height,
        place.block_hash,
        place.block.merkle_root,
        to_wire(place.proof),
    )


async def pending(request: Request, query: Page) -> Pending:
    """List transactions that wait for a block."""
    engine: Engine = service_of(request)
    total, first = await engine.pending(query.count)
    return Pending(total, tuple(Waiting(name, waiting) for name, waiting in first))


async def consensus(request: Request) -> Consensus:
    """Tell who leads."""
    engine: Engine = service_of(request)
    state = engine.state
    slot = max(engine.slot, state.tip.slot) + 1
    resting = {node for led, node in state.leaders.items() if slot - COOLDOWN <= led}
    ranked = sorted(state.tallies.values(), key=lambda tally: (-score(tally), tally.node))
    nodes = tuple(
        Node(
            tally.node,
            credit(tally),
            tally.uptime / FULL_UPTIME,
            score(tally),
            tally.uptime >= LEAST_UPTIME and tally.node not in resting,
        )
        for tally in ranked[:_RANKED]
    )
    return Consensus(state.genesis.consensus, slot, state.leader(slot), COOLDOWN, len(ranked), nodes)


OPERATIONS = (
    Operation("GET", "/api/v1/chain/info", info, "Tell which chain this is", {200: Info}),
    Operation("GET", "/api/v1/chain/status", status, "Tell how the chain grows", {200: Status}),
    Operation("GET", "/api/v1/chain/height", height, "Tell how long the chain is", {200: HeightAnswer}),
    *block_api.OPERATIONS,
    block_api.BY_ID,
    Operation(
        "POST",
        "/api/v1/transactions",
        submit,
        "Submit a transaction",
        {202: Submitted},
        body=Submission,
        largest=LARGEST_TRANSACTION,
        errors={409: "Another transaction anchors the session.", 503: "Too many transactions wait for a block."},
        token=True,
    ),
    Operation(
        "GET",
        "/api/v1/transactions/pending",
        pending,
        "List the transactions that wait for a block",
        {200: Pending},
        query=Page,
    ),
    Operation(
        "GET",
        "/api/v1/transactions/{id}",
        transaction,
        "Tell where a transaction is",
        {200: TransactionAnswer},
        path=TransactionPath,
        errors={404: "The transaction is neither on the chain nor pending."},
    ),
    Operation("GET", "/api/v1/consensus/status", consensus, "Tell who leads", {200: Consensus}),
)
