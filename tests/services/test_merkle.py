"""Merkle trees: a root names one list only, and a proof holds for one leaf at one place."""

from __future__ import annotations

import hashlib

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from lucid_chain import merkle
from lucid_chain.merkle import Step, Tree, verify

hashes = st.binary(min_size=32, max_size=32)
lists = st.lists(hashes, min_size=1, max_size=40)
# Few different leaves, so that lists with repetitions, the ones that naive trees confuse, are common.
similar = st.lists(st.sampled_from([bytes([n]) * 32 for n in range(2)]), max_size=12)


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(bytes([n])).digest() for n in range(count)]


def root(values: list[bytes]) -> bytes:
    """The definition of RFC 6962, word for word: split at the largest power of two below the length."""
    if not values:
        return blake3(b"\x02").digest()
    if len(values) == 1:
        return blake3(b"\x00" + values[0]).digest()
    split = 1 << ((len(values) - 1).bit_length() - 1)
    return blake3(b"\x01" + root(values[:split]) + root(values[split:])).digest()


@given(st.lists(hashes, max_size=70))
def test_root_is_that_of_the_definition(values: list[bytes]) -> None:
    assert Tree(b"".join(values)).root == root(values)


@given(lists)
def test_every_leaf_has_a_proof_that_needs_no_tree(values: list[bytes]) -> None:
    tree = Tree(b"".join(values))
    for index, value in enumerate(values):
        assert verify(tree.root, value, tree.proof(index))


@given(similar, similar)
def test_different_lists_have_different_roots(one: list[bytes], two: list[bytes]) -> None:
    assert (Tree(b"".join(one)).root == Tree(b"".join(two)).root) == (one == two)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 8, 9])
def test_a_list_and_the_same_with_its_last_leaf_twice_differ(count: int) -> None:
    values = leaves(count)
    assert Tree(b"".join(values)).root != Tree(b"".join([*values, values[-1]])).root


@given(lists, hashes, st.data())
def test_a_proof_holds_for_no_other_leaf(values: list[bytes], other: bytes, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    tree = Tree(b"".join(values))
    assert verify(tree.root, other, tree.proof(index)) == (other == values[index])


@given(lists, st.data())
def test_a_changed_step_breaks_the_proof(values: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    tree = Tree(b"".join(values))
    steps = list(tree.proof(index))
    if not steps:
        return
    at = data.draw(st.integers(0, len(steps) - 1))
    step = steps[at]
    changed = bytearray(step.hash)
    changed[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    other_side = Step(step.hash, "left" if step.side == "right" else "right")
    for wrong in (Step(bytes(changed), step.side), other_side):
        # Two equal neighbours may change sides: the pair that is hashed stays the same.
        node = blake3(b"\x00" + values[index]).digest()
        for earlier in steps[:at]:
            pair = earlier.hash + node if earlier.side == "left" else node + earlier.hash
            node = blake3(b"\x01" + pair).digest()
        same = wrong is other_side and node == step.hash
        assert verify(tree.root, values[index], [*steps[:at], wrong, *steps[at + 1 :]]) == same
    assert not verify(tree.root, values[index], [*steps[:at], *steps[at + 1 :]])


def test_an_inner_node_is_no_leaf() -> None:
    values = leaves(2)
    tree = Tree(b"".join(values))
    pair = bytes(tree.nodes[: 2 * merkle.SIZE])
    assert not verify(tree.root, blake3(b"\x01" + pair).digest(), ())
    assert not verify(tree.root, pair, ())


def test_a_proof_that_is_too_long_is_refused_before_it_is_followed() -> None:
    step = Step(b"\x01" * 32, "left")
    node = blake3(b"\x00" + bytes(32)).digest()
    for _number in range(merkle.MAX_DEPTH + 1):
        node = blake3(b"\x01" + step.hash + node).digest()
    assert not verify(node, bytes(32), [step] * (merkle.MAX_DEPTH + 1))


def test_leaves_have_32_bytes_each() -> None:
    with pytest.raises(ValueError, match="33 bytes of leaves"):
        Tree(bytes(33))


@pytest.mark.parametrize("index", [-1, 3])
def test_no_proof_beyond_the_leaves(index: int) -> None:
    with pytest.raises(IndexError):
        Tree(b"".join(leaves(3))).proof(index)
