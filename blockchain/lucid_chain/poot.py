"""PoOT, Proof of Operational Tasks: who leads a slot, from the tallies on the chain. Integers only, no clock, no luck.

The node with the highest credits × uptime leads, if it was up for a fifth of the time or more and led none of the
last 16 slots. Nodes that are equal are ordered by a hash of the slot's past, which is the same on every node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from lucid_chain.blocks import FULL_UPTIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lucid_chain.blocks import Tally

COOLDOWN = 16
"""Slots that a leader has to wait."""
LEAST_UPTIME = FULL_UPTIME // 5
MEGABYTES_PER_CREDIT = 5
MOST_NODES = 1024
"""Nodes whose tallies are kept; beyond them those with the least work are forgotten."""
NO_LEADER = "genesis"
"""The validator of a slot in which no node may lead."""

_TIE = b"lucid leader\x00"


def credit(tally: Tally) -> int:
    """Return the credits of a node: its sessions, or one for each 5 MB begun, whichever is more."""
    return max(tally.sessions, -(-tally.megabytes // MEGABYTES_PER_CREDIT))


def score(tally: Tally) -> int:
    """Return what nodes are ranked by."""
    return credit(tally) * tally.uptime


def leader(slot: int, previous_hash: str, tallies: Iterable[Tally], past: Mapping[int, str]) -> str:
    """Return the node that leads `slot` after the block called `previous_hash`; `past` has the leaders by slot."""
    resting = {node for led, node in past.items() if slot - COOLDOWN <= led < slot}
    tie = _TIE + bytes.fromhex(previous_hash) + slot.to_bytes(8, "big")
    ranked = (
        (score(tally), blake3(tie + tally.node.encode()).digest(), tally.node)
        for tally in tallies
        if tally.uptime >= LEAST_UPTIME and tally.node not in resting
    )
    return max(ranked, default=(0, b"", NO_LEADER))[2]


def updated(tallies: Mapping[str, Tally], fresh: Iterable[Tally]) -> dict[str, Tally]:
    """Return the tallies by node after a block with `fresh` ones, in the order of the block."""
    result = dict(tallies)
    for tally in fresh:
        if tally.node not in result or tally.period > result[tally.node].period:
            result[tally.node] = tally
    if len(result) <= MOST_NODES:
        return result
    best = sorted(result.values(), key=lambda tally: (-score(tally), tally.node))[:MOST_NODES]
    return {tally.node: tally for tally in best}
