"""The bodies and parameters of the data chain's API."""

from __future__ import annotations

from typing import Annotated

from lucid_chain.wire import ProofPath, SessionId
from lucid_service.models import Hash, Input, Output
from msgspec import Meta

MOST_LEAVES = 65536
"""Chunks of a session: half a terabyte and more. A body with as many hashes has 4.4 MB."""
PAGE = 1000


class ChunkPath(Input, frozen=True):
    """Names one chunk."""

    hash: Hash


class TreePath(Input, frozen=True):
    """Names one tree."""

    root: Hash


class ProofParameters(Input, frozen=True):
    """Names one leaf of a tree."""

    root: Hash
    index: Annotated[int, Meta(ge=0, lt=MOST_LEAVES, description="The number of the leaf, from 0.")]


class Page(Input, frozen=True):
    """Which leaves to list."""

    first: Annotated[int, Meta(ge=0, lt=MOST_LEAVES)] = 0
    count: Annotated[int, Meta(ge=1, le=PAGE)] = PAGE


class Chunk(Output, frozen=True):
    """A chunk that is stored."""

    hash: Hash
    size: int


class Build(Input, frozen=True):
    """The chunks of a session, in their order; each must be stored."""

    session_id: SessionId
    chunk_hashes: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=MOST_LEAVES)]


class Tree(Output, frozen=True):
    """A Merkle tree that is stored."""

    root_hash: Hash
    leaf_count: int
    created_at: str


class Built(Tree, frozen=True):
    """The tree over the chunks of a session."""

    session_id: str


class Leaves(Output, frozen=True):
    """Some of the chunks of a tree, from number `first` up."""

    root_hash: Hash
    leaf_count: int
    first: int
    chunk_hashes: tuple[Hash, ...]


class Proof(Output, frozen=True):
    """That a chunk is a leaf of a tree; whoever has it needs no service to verify it."""

    root_hash: Hash
    leaf_hash: Hash
    leaf_index: int
    proof_path: ProofPath


class Verify(Input, frozen=True):
    """A proof that somebody was given."""

    root_hash: Hash
    leaf_hash: Hash
    proof_path: ProofPath


class Verified(Output, frozen=True):
    """Whether the proof leads from the leaf to the root. Whether the tree is stored here plays no part."""

    verified: bool
    root_hash: Hash
    leaf_hash: Hash
