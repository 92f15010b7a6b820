"""The bodies and parameters of session anchoring's API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from lucid_chain.wire import ProofPath, SessionId
from lucid_service.models import END, Hash, Input, Output
from msgspec import UNSET, Meta, UnsetType

Status = Literal["pending", "processing", "confirmed", "rejected"]
Reason = Literal["", "not_confirmed", "wrong_root", "wrong_proof", "not_on_chain"]


class Manifest(Input, frozen=True):
    """What a session recorded."""

    chunk_count: Annotated[int, Meta(ge=1, le=2**32)]
    total_size: Annotated[int, Meta(ge=0, le=2**53)]
    created_at: Annotated[datetime, Meta(tz=True)]


class AnchorRequest(Input, frozen=True):
    """A session to anchor: the root of the Merkle tree over its chunks, and who says so."""

    session_id: SessionId
    manifest_data: Manifest
    merkle_root: Hash
    user_signature: Annotated[
        str,
        Meta(pattern=f"^[A-Za-z0-9+/=_-]+{END}", min_length=1, max_length=1024, description="In base64 or hex."),
    ]


class SessionPath(Input, frozen=True):
    """Names a session."""

    session_id: SessionId


class AnchoringAnswer(Output, frozen=True):
    """One anchoring. `rejected`: the chain has the session already, with another content."""

    anchoring_id: str
    session_id: str
    status: Status
    merkle_root: Hash
    transaction_id: Hash
    created_at: str
    updated_at: str
    block_height: int | UnsetType = UNSET
    block_hash: Hash | UnsetType = UNSET


class VerifyRequest(Input, frozen=True):
    """A claim: that a session has a root and, with `leaf_hash` and `proof_path`, that a chunk belongs to it."""

    session_id: SessionId
    merkle_root: Hash
    leaf_hash: Hash | UnsetType = UNSET
    proof_path: ProofPath | UnsetType = UNSET


class Verification(Output, frozen=True):
    """Whether the claim is true, by the chain as it is now; `reason` says why not.

    `merkle_proof_valid` is about every proof of the claim: that of the chunk, if one was given, and that of the
    transaction in its block.
    """

    verified: bool
    reason: Reason
    session_id: str
    transaction_id: Hash
    merkle_proof_valid: bool
    block_height: int | UnsetType = UNSET


class Counts(Output, frozen=True):
    """How many anchorings there are by status, and why none gets on, or nothing."""

    pending: int
    processing: int
    confirmed: int
    rejected: int
    complaint: str
