"""The types that more than one blockchain service reads from requests and writes into answers."""

from __future__ import annotations

from typing import Annotated, Literal

from lucid_service.models import END, Hash, Input
from msgspec import Meta

from lucid_chain.merkle import MAX_DEPTH, Step

SessionId = Annotated[
    str,
    Meta(
        pattern=f"^[A-Za-z0-9][A-Za-z0-9._:-]*{END}",
        min_length=1,
        max_length=128,
        description="The name of a session, chosen by the client.",
    ),
]


class ProofStep(Input, frozen=True):
    """One step of a Merkle proof: the neighbour's hash and its side."""

    hash: Hash
    side: Literal["left", "right"]


ProofPath = Annotated[tuple[ProofStep, ...], Meta(max_length=MAX_DEPTH, description="From the leaf up to the root.")]


def to_wire(steps: tuple[Step, ...]) -> tuple[ProofStep, ...]:
    """Return the steps of a proof as bodies carry them."""
    return tuple(ProofStep(step.hash.hex(), step.side) for step in steps)


def from_wire(path: tuple[ProofStep, ...]) -> tuple[Step, ...]:
    """Return the steps that a body carries."""
    return tuple(Step(bytes.fromhex(step.hash), step.side) for step in path)
