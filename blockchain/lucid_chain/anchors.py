"""How a session becomes an anchor, and how a claim about the chain is verified without trusting who makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from lucid_chain import merkle
from lucid_chain.blocks import header_hash, transaction_id

if TYPE_CHECKING:
    from lucid_chain.ledger import Inclusion

_SESSION = b"lucid session\x00"
_MANIFEST = b"lucid manifest\x00"


def session_hash(session_id: str) -> str:
    """Return the hash of a session's name: the name itself does not go on the chain."""
    return blake3(_SESSION + session_id.encode()).hexdigest()


def manifest_hash(manifest: bytes) -> str:
    """Return the hash of a manifest in its one encoding."""
    return blake3(_MANIFEST + manifest).hexdigest()


def holds(inclusion: Inclusion) -> bool:
    """Return whether the hash is that of the block, and the proof leads from the transaction to the block's root."""
    header = inclusion.block
    name = transaction_id(inclusion.transaction)
    return inclusion.block_hash == header_hash(header) and merkle.verify(
        bytes.fromhex(header.merkle_root), name, inclusion.proof
    )
