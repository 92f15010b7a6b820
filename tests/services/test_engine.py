"""The engine: transactions become blocks, the same ones on every node, and what was taken survives."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest
from chain_facts import GENESIS, anchor, submissions, tally
from hypothesis import given, settings
from hypothesis import strategies as st
from lucid_blockchain_engine import pool
from lucid_blockchain_engine.engine import Engine, OtherChainError, engine
from lucid_chain.blocks import transaction_id
from lucid_chain.chain import Chain
from lucid_chain.rules import MOST_TRANSACTIONS

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from lucid_chain.blocks import Block, Genesis, Submission


@asynccontextmanager
async def still(folder: Path, genesis: Genesis = GENESIS) -> AsyncIterator[Engine]:
    """An engine that makes blocks only when the test says so."""
    chain = Chain(folder, pool.SCHEMA)
    try:
        node = Engine(chain, genesis)
        await node.begin()
        yield node
    finally:
        chain.close()


async def feed(node: Engine, transactions: Sequence[Submission], slot: int) -> None:
    for transaction in transactions:
        try:
            await node.submit(transaction, slot)
        except pool.AnchoredError:
            continue


async def blocks(node: Engine) -> list[Block]:
    found = [await node.chain.block_at(height) for height in range(node.chain.height + 1)]
    return [block for block in found if block is not None]


def test_transactions_go_into_the_block_of_the_next_slot(tmp_path: Path) -> None:
    async def scene() -> None:
        async with still(tmp_path) as node:
            name = await node.submit(anchor("one"), 4)
            assert (await node.produce(4)).transactions == ()
            assert (await node.find(name)).inclusion is None  # type: ignore[union-attr]
            assert (await node.produce(5)).transactions == (anchor("one"),)
            found = await node.find(name)
            assert found is not None
            assert found.inclusion is not None
            assert found.inclusion.block.height == 2
            assert await node.pending(10) == (0, [])

    asyncio.run(scene())


def test_the_same_transaction_is_taken_once_for_ever(tmp_path: Path) -> None:
    async def scene() -> None:
        async with still(tmp_path) as node:
            names = {await node.submit(anchor("one"), slot) for slot in (1, 2)}
            await node.produce(3)
            names.add(await node.submit(anchor("one"), 3))
            assert len(names) == 1
            assert (await node.produce(4)).transactions == ()

    asyncio.run(scene())


def test_a_session_is_anchored_once(tmp_path: Path) -> None:
    async def scene() -> None:
        async with still(tmp_path) as node:
            # By the slot they came in; both came before any was on the chain.
            await node.submit(anchor("one", "b"), 1)
            loser = await node.submit(anchor("one", "a"), 2)
            assert (await node.produce(3)).transactions == (anchor("one", "b"),)
            assert await node.find(loser) is None
            with pytest.raises(pool.AnchoredError):
                await node.submit(anchor("one", "a"), 3)

    asyncio.run(scene())


def test_a_block_takes_1000_and_the_rest_follows_in_order_of_slots(tmp_path: Path) -> None:
    async def scene() -> None:
        async with still(tmp_path) as node:
            early = [anchor(f"early {number}") for number in range(600)]
            late = [anchor(f"late {number}") for number in range(600)]
            await feed(node, late, 2)
            await feed(node, early, 1)
            first, second = await node.produce(3), await node.produce(4)
            assert len(first.transactions) == MOST_TRANSACTIONS
            assert set(early) < set(first.transactions)
            by_id = sorted(late, key=transaction_id)
            assert set(second.transactions) == set(by_id[400:])

    asyncio.run(scene())


def test_pool_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST_PENDING", 2)

    async def scene() -> None:
        async with still(tmp_path) as node:
            await feed(node, [anchor("one"), anchor("two"), anchor("two")], 1)
            with pytest.raises(pool.FullError):
                await node.submit(anchor("three"), 1)
            await node.produce(2)
            await node.submit(anchor("three"), 2)

    asyncio.run(scene())


def test_pending_and_blocks_survive(tmp_path: Path) -> None:
    async def scene() -> None:
        async with still(tmp_path) as node:
            await feed(node, [anchor("one"), tally("a"), tally("b", 3)], 1)
            await node.produce(2)
            await node.produce(9)
            await node.submit(anchor("two"), 9)
            before, state = await blocks(node), node.state
        async with still(tmp_path) as node:
            assert await blocks(node) == before
            assert node.state == state
            assert (await node.produce(10)).transactions == (anchor("two"),)

    asyncio.run(scene())


def test_block_that_cannot_be_stored_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async def scene() -> None:
        async with still(tmp_path) as node:
            await node.submit(anchor("one"), 1)
            await node.chain.database.run(lambda connection: connection.execute("DROP TABLE anchors"))
            with pytest.raises(sqlite3.Error):
                await node.produce(2)
            assert (node.chain.height, (await node.pending(1))[0]) == (0, 1)

    asyncio.run(scene())


def test_volume_of_another_chain_is_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        async with still(tmp_path):
            pass
        other = msgspec.structs.replace(GENESIS, block_time_seconds=5)
        with pytest.raises(OtherChainError, match=r"block_time_seconds=10.*block_time_seconds=5.*empty volume"):
            async with still(tmp_path, other):
                pass

    asyncio.run(scene())


def test_blocks_come_by_the_clock(tmp_path: Path) -> None:
    async def scene() -> list[Block]:
        quick = msgspec.structs.replace(GENESIS, block_time_seconds=1)
        async with engine(tmp_path, quick) as node:
            async with asyncio.timeout(10):
                await node.chain.beyond(0)
                await node.submit(anchor("one"))
                await node.chain.beyond(2)
            assert node.complaint == ""
            return await blocks(node)

    made = asyncio.run(scene())
    slots = [block.header.slot for block in made[1:]]
    assert slots == list(range(slots[0], slots[0] + len(slots)))
    assert [one for block in made[1:] for one in block.transactions] == [anchor("one")]


def test_engine_says_that_it_makes_no_blocks(tmp_path: Path) -> None:
    async def scene() -> list[str]:
        async with still(tmp_path) as node:
            complaints = []
            for slot in (node.slot - 4, node.slot, node.slot + 5):
                await node.produce(slot)
                complaints.append(node.complaint)
            return complaints

    assert asyncio.run(scene()) == ["no block for 4 slots", "", "the newest block is 5 slots ahead of the clock"]


@settings(max_examples=25, deadline=None)
@given(
    rounds=st.lists(st.lists(submissions, max_size=12), min_size=1, max_size=5),
    chance=st.randoms(use_true_random=False),
)
def test_two_engines_fed_in_different_order_agree(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[Submission]], chance: random.Random
) -> None:
    async def scene() -> None:
        one_folder, two_folder = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
        async with still(one_folder) as one, still(two_folder) as two:
            for slot, transactions in enumerate(rounds, 1):
                await feed(one, transactions, slot)
                await feed(two, chance.sample(transactions, len(transactions)), slot)
                assert await one.produce(slot + 1) == await two.produce(slot + 1)
            assert one.state == two.state

    asyncio.run(scene())
