"""Transactions and blocks, and how they are hashed. Which blocks are valid is said in lucid_chain.rules.

What is hashed is compact JSON with the fields in the order of the types below: strings, and integers of up to 53 bits,
no fractions, so that every implementation hashes the same bytes. Hashes in fields are 64 hex digits.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Annotated

import msgspec
from blake3 import blake3
from lucid_service.models import Hash, Input, Name, Output
from msgspec import Meta

from lucid_chain import merkle

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_HASH = "0" * 64
"""The previous hash of the block at height 0."""
FULL_UPTIME = 10_000
"""An uptime of 100 %."""
GENESIS_TIME = "2025-01-01T00:00:00.000+00:00"
"""When slot 0 begins."""

Count = Annotated[int, Meta(ge=0, le=2**40)]

_TRANSACTION = b"lucid transaction\x00"
_BLOCK = b"lucid block\x00"


class Genesis(Input, tag="genesis", frozen=True):
    """What the whole chain keeps to; the only transaction of the block at height 0, and of no other."""

    network: Annotated[str, Meta(pattern="^[a-z0-9_]+$", min_length=1, max_length=63)]
    consensus: Annotated[str, Meta(pattern="^[A-Za-z0-9]+$", min_length=1, max_length=31)]
    time: Annotated[str, Meta(max_length=40)]
    block_time_seconds: Annotated[int, Meta(ge=1, le=3600)]


class Anchor(Input, tag="anchor", frozen=True):
    """The hashes of one session: of its name, of its manifest, and the root of the Merkle tree over its chunks."""

    session_hash: Hash
    manifest_hash: Hash
    merkle_root: Hash


class Tally(Input, tag="tally", frozen=True):
    """The work of one node in one period; replaces what the chain knows of the node from an earlier period."""

    node: Name
    period: Annotated[Count, Meta(description="A later period has a higher number.")]
    sessions: Count
    megabytes: Count
    uptime: Annotated[int, Meta(ge=0, le=FULL_UPTIME, description="In hundredths of a per cent.")]


Submission = Anchor | Tally
"""A transaction that a client may submit."""
Transaction = Anchor | Tally | Genesis
"""A transaction that a block may hold."""


class Header(Output, frozen=True):
    """All of a block that its hash covers. The root is that of the Merkle tree over the transactions' ids."""

    height: int
    slot: int
    previous_hash: Hash
    merkle_root: Hash
    timestamp: str
    transaction_count: int
    validator: str


class Block(msgspec.Struct, frozen=True):
    """A header, its hash, and the transactions in ascending order of their ids."""

    header: Header
    hash: Hash
    transactions: tuple[Transaction, ...]


def transaction_id(transaction: Transaction) -> bytes:
    """Return the hash (32 bytes) that names a transaction."""
    return blake3(_TRANSACTION + encode(transaction)).digest()


def header_hash(header: Header) -> str:
    """Return the hash that names the block with `header`."""
    return blake3(_BLOCK + encode(header)).hexdigest()


def encode(hashed: Transaction | Header) -> bytes:
    """Return the bytes that are hashed, and stored."""
    return msgspec.json.encode(hashed)


def decode_transaction(content: bytes) -> Transaction:
    """Return the transaction that `encode` made `content` from. Raises msgspec.ValidationError for anything else."""
    return _transactions.decode(content)


def decode_header(content: bytes) -> Header:
    """Return the header that `encode` made `content` from. Raises msgspec.ValidationError for anything else."""
    return _headers.decode(content)


def merkle_root(ids: Sequence[bytes]) -> str:
    """Return the root over the ids of a block's transactions, in their order."""
    return merkle.Tree(b"".join(ids)).root.hex()


def slot_time(genesis: Genesis, slot: int) -> str:
    """Return when a slot begins, in ISO 8601: the timestamp of every block made in it."""
    begin = datetime.fromisoformat(genesis.time) + timedelta(seconds=slot * genesis.block_time_seconds)
    return begin.isoformat(timespec="milliseconds")


def slot_at(genesis: Genesis, moment: datetime) -> int:
    """Return the slot that contains `moment`; negative before the genesis."""
    passed = moment - datetime.fromisoformat(genesis.time)
    return passed // timedelta(seconds=genesis.block_time_seconds)


def now() -> datetime:
    """Return the present, in UTC."""
    return datetime.now(timezone.utc)


_transactions: msgspec.json.Decoder[Transaction] = msgspec.json.Decoder(Transaction)
_headers = msgspec.json.Decoder(Header)
