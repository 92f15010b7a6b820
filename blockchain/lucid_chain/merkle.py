"""Merkle trees over BLAKE3, with different prefixes for leaves and inner nodes. Storing them does not belong here.

The shape is that of RFC 6962 (certificate transparency): each level pairs its nodes from the left, and a node without
a partner moves up unchanged. No node is ever duplicated, so two different lists never share a root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZE = 32
"""Bytes of a hash."""
MAX_DEPTH = 64
"""Steps that a proof may have: more than any tree that fits into a computer."""

Side = Literal["left", "right"]

_PAIR = 2 * SIZE
_LEAF = b"\x00"
_INNER = b"\x01"
_EMPTY = b"\x02"


@dataclass(frozen=True)
class Step:
    """One step of a proof: the hash (32 bytes) of the neighbour, and on which side of the path it stands."""

    hash: bytes
    side: Side


class Tree:
    """The tree over `leaves`, values of 32 bytes each, one after the other; keeps all levels, 64 bytes a leaf."""

    def __init__(self, leaves: bytes) -> None:
        if len(leaves) % SIZE:
            raise ValueError(f"{len(leaves)} bytes of leaves: expected a multiple of {SIZE}")
        self.count = len(leaves) // SIZE
        # One growing buffer: a list of a million small objects would take three times the memory.
        nodes = bytearray()
        for at in range(0, len(leaves), SIZE):
            nodes += blake3(_LEAF + leaves[at : at + SIZE]).digest()
        begin, end = 0, len(nodes)
        while end - begin > SIZE:
            paired = end - (end - begin) % _PAIR
            for at in range(begin, paired, _PAIR):
                nodes += blake3(_INNER + nodes[at : at + _PAIR]).digest()
            nodes += nodes[paired:end]
            begin, end = end, len(nodes)
        self.nodes = nodes
        """Every node, level after level from the leaves up: what `proof` reads."""

    @property
    def root(self) -> bytes:
        """The root, 32 bytes; a list without leaves has a root of its own."""
        return bytes(self.nodes[-SIZE:]) if self.count else blake3(_EMPTY).digest()

    def proof(self, index: int) -> tuple[Step, ...]:
        """Return the steps from leaf `index` up to the root. Raises IndexError outside 0 … count - 1."""
        return proof(self.count, index, lambda at: bytes(self.nodes[at * SIZE : (at + 1) * SIZE]))


def proof(count: int, index: int, node: Callable[[int], bytes]) -> tuple[Step, ...]:
    """Return the steps from leaf `index` of a tree of `count` up to its root; `node` returns one of `Tree.nodes`.

    So a tree that is stored need not be loaded. Raises IndexError outside 0 … count - 1.
    """
    if not 0 <= index < count:
        raise IndexError(f"leaf {index}: the tree has {count}")
    steps: list[Step] = []
    before = 0
    while count > 1:
        neighbour = index ^ 1
        if neighbour < count:
            steps.append(Step(node(before + neighbour), "left" if neighbour < index else "right"))
        before, count, index = before + count, (count + 1) // 2, index // 2
    return tuple(steps)


def verify(root: bytes, leaf: bytes, steps: Sequence[Step]) -> bool:
    """Return whether `steps` lead from the value of a leaf (32 bytes) to `root`; needs nothing but its arguments."""
    if len(steps) > MAX_DEPTH:
        return False
    node = blake3(_LEAF + leaf).digest()
    for step in steps:
        pair = step.hash + node if step.side == "left" else node + step.hash
        node = blake3(_INNER + pair).digest()
    return node == root
