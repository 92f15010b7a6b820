"""The block manager: has what the engine has, catches up, never replaces what is stored, and finds what is damaged."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import httpx2 as httpx
import pytest
from chain_facts import GENESIS, anchor, grow, start, tally
from lucid_block_manager import manager as manager_module
from lucid_block_manager import validation as validation_module
from lucid_block_manager.__main__ import condition
from lucid_block_manager.handlers import OPERATIONS
from lucid_block_manager.manager import Manager, manager
from lucid_chain.blocks import transaction_id
from lucid_chain.chain import Chain
from lucid_chain.rpc.client import engine_client
from lucid_chain.rules import genesis_block
from nodes import served, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from lucid_chain.rpc.client import EngineClient


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager_module, "FIRST_RETRY", 0.05)
    monkeypatch.setattr(manager_module, "LAST_RETRY", 0.2)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scene()

    asyncio.run(bounded())


async def complains(service: Manager, part: str) -> None:
    await until(lambda: part in service.complaint)


def test_follows_catches_up_after_being_down_and_after_being_wiped(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()

    async def follow(client: EngineClient, height: int) -> None:
        async with manager(own, client) as service:
            await service.chain.beyond(height)
            assert service.complaint == ""
            for at in range(height + 1):
                assert await service.chain.block_at(at) == await client.block_at(at)
            assert (await service.validation.run()).complaint == ""

    async def scene() -> None:
        async with served(tmp_path / "engine") as (node, port), engine_client(f"127.0.0.1:{port}") as client:
            await node.submit(anchor("one"))
            await node.submit(tally("a"))
            await follow(client, 2)
            await node.chain.beyond(4)
            await follow(client, 4)
            shutil.rmtree(own)
            own.mkdir()
            await follow(client, 4)

    run(scene)


def test_engine_that_comes_later_or_again_is_followed(tmp_path: Path, free_port: Callable[[], int]) -> None:
    own = tmp_path / "own"
    own.mkdir()
    port = free_port()

    async def scene() -> None:
        async with engine_client(f"127.0.0.1:{port}") as client, manager(own, client) as service:
            await complains(service, "UNAVAILABLE")
            for _turn in range(2):
                async with served(tmp_path / "engine", f"127.0.0.1:{port}"):
                    await service.chain.beyond(service.chain.height + 1)
                    assert service.complaint == ""
                await complains(service, "UNAVAILABLE")

    run(scene)


@pytest.mark.parametrize("wiped", [True, False])
def test_another_chain_never_replaces_what_is_stored(tmp_path: Path, wiped: bool) -> None:  # noqa: FBT001
    own = tmp_path / "own"
    own.mkdir()

    async def scene() -> None:
        async with (
            served(tmp_path / "one") as (_node, port),
            engine_client(f"127.0.0.1:{port}") as client,
            manager(own, client) as service,
        ):
            await service.chain.beyond(1 if not wiped else 3)
        async with served(tmp_path / "two") as (node, port), engine_client(f"127.0.0.1:{port}") as client:
            if not wiped:
                await node.chain.beyond(4)
            chain = Chain(own)
            await chain.load()
            before = chain.state
            chain.close()
            async with manager(own, client) as service:
                await complains(service, "has no block" if wiped else "of the engine is")
                assert service.chain.state == before

    run(scene)


async def filled(folder: Path) -> None:
    chain = Chain(folder)
    try:
        await chain.add(genesis_block(GENESIS))
        state = start()
        for slot in range(1, 6):
            block, state = grow(state, slot, [anchor(f"session {slot}"), tally(f"node-{slot}")])
            await chain.add(block)
    finally:
        chain.close()


@contextmanager
def client_of(launch: Callable[..., Any], folder: Path, **options: Any) -> Iterator[httpx.Client]:
    """A client of a block manager that stores below `folder`, and finds no engine."""

    @asynccontextmanager
    async def alone(_context: Any) -> AsyncIterator[Manager]:
        async with engine_client("127.0.0.1:1") as client, manager(folder, client) as service:
            yield service

    with launch(OPERATIONS, provide=alone, **options) as url, httpx.Client(base_url=url + "/api/v1") as client:
        yield client


DAMAGES = {
    "a header": ("UPDATE blocks SET header = replace(header, '\"slot\":3', '\"slot\":4') WHERE height = 3", 3),
    "a hash": ("UPDATE blocks SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE height = 2", 2),
    "a transaction": (
        "UPDATE transactions SET content = replace(content, 'manifest_hash', 'other_hash') WHERE height = 4",
        4,
    ),
    "a transaction that is gone": ("DELETE FROM transactions WHERE height = 1 AND instr(content, 'tally')", 1),
    "a block that is gone": ("DELETE FROM blocks WHERE height = 3", 3),
    "something that is no JSON": ("UPDATE blocks SET header = x'00' WHERE height = 5", 5),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_at_its_block(tmp_path: Path, launch: Callable[..., Any], damage: str) -> None:
    statement, height = DAMAGES[damage]

    asyncio.run(filled(tmp_path))
    with client_of(launch, tmp_path) as client:
        sound = client.get("/blocks/validate").json()
        assert sound == {"valid": True, "complete": True, "height": 5, "blocks_checked": 6, "complaint": ""}
        with sqlite3.connect(tmp_path / "chain.sqlite3") as connection:
            connection.execute(statement)
        connection.close()
        found = client.get("/blocks/validate").json()
    assert (found["valid"], found["complete"], found["blocks_checked"]) == (False, False, height)
    assert found["complaint"].startswith(f"block {height}: ")


def test_long_chain_is_validated_in_parts(
    tmp_path: Path, launch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each part has the time for one block.
    monkeypatch.setattr(validation_module, "SECONDS", 0.0)
    asyncio.run(filled(tmp_path))
    with client_of(launch, tmp_path) as client:
        parts = [client.get("/blocks/validate").json()]
        while "next" in parts[-1]:
            parts.append(client.get("/blocks/validate", params={"cursor": parts[-1]["next"]}).json())
        assert [part["blocks_checked"] for part in parts] == [1, 2, 3, 4, 5, 6]
        assert [part["complete"] for part in parts] == [False] * 5 + [True]
        assert all(part["valid"] for part in parts)
        # The same part can be asked for again, and damage behind it is found from there on only.
        with sqlite3.connect(tmp_path / "chain.sqlite3") as connection:
            connection.execute(DAMAGES["a block that is gone"][0])
        connection.close()
        assert client.get("/blocks/validate", params={"cursor": parts[1]["next"]}).json()["valid"] is True
        assert client.get("/blocks/validate", params={"cursor": parts[2]["next"]}).json()["valid"] is False


def test_cursor_that_nobody_gave_or_that_is_forgotten_is_refused(
    tmp_path: Path, launch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation_module, "SECONDS", 0.0)
    asyncio.run(filled(tmp_path))
    with client_of(launch, tmp_path) as client:
        first = client.get("/blocks/validate").json()["next"]
        for _turn in range(validation_module.MOST_CURSORS):
            client.get("/blocks/validate")
        for cursor, status in ((first, 404), ("0" * 16, 404), ("x", 422)):
            assert client.get("/blocks/validate", params={"cursor": cursor}).status_code == status


def test_health_tells_of_a_chain_that_is_not_the_engine_s(tmp_path: Path, launch: Callable[..., Any]) -> None:
    own = tmp_path / "own"
    own.mkdir()
    asyncio.run(filled(own))

    @asynccontextmanager
    async def beside_another(_context: Any) -> AsyncIterator[Manager]:
        async with (
            served(tmp_path / "other") as (_node, port),
            engine_client(f"127.0.0.1:{port}") as client,
            manager(own, client) as service,
        ):
            # Not "engine": that is in the complaint from before the first question, too.
            await complains(service, "stored")
            yield service

    with launch(OPERATIONS, provide=beside_another, condition=condition) as url:
        actual = httpx.get(url + "/health").json()
    assert (actual["status"], actual["dependencies"]) == ("unhealthy", {})
    with client_of(launch, own, condition=condition) as alone:
        # An engine that cannot be asked says nothing about whose chain is right.
        assert alone.get(str(alone.base_url.join("/health"))).json()["status"] == "degraded"


def test_blocks_are_served_by_height_hash_and_age(tmp_path: Path, launch: Callable[..., Any]) -> None:
    asyncio.run(filled(tmp_path))
    with client_of(launch, tmp_path) as client:
        latest = client.get("/blocks/latest").json()
        assert (latest["height"], latest["transaction_count"], latest["validator"]) == (5, 2, "node-4")
        assert client.get(f"/blocks/{latest['hash']}").json() == client.get("/blocks/height/5").json() == latest
        ids = sorted(transaction_id(one).hex() for one in (anchor("session 5"), tally("node-5")))
        assert latest["transaction_ids"] == ids
        listed = client.get("/blocks", params={"count": 2}).json()
        assert (listed["height"], [block["height"] for block in listed["blocks"]]) == (5, [4, 5])
        first = client.get("/blocks", params={"first": 1, "count": 2}).json()
        assert [block["height"] for block in first["blocks"]] == [1, 2]
        assert client.get("/blocks", params={"first": 9}).json()["blocks"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/blocks/height/6", 404),
        ("/blocks/" + "0" * 64, 404),
        ("/blocks/height/-1", 422),
        ("/blocks/height/1.5", 422),
        ("/blocks/height/" + "9" * 40, 422),
        ("/blocks/x", 422),
        ("/blocks?count=0", 422),
        ("/blocks?count=101", 422),
        ("/blocks?first=-1", 422),
        ("/blocks?other=1", 422),
    ],
)
def test_what_is_not_there_or_no_name_is_refused(
    tmp_path: Path, launch: Callable[..., Any], path: str, status: int
) -> None:
    asyncio.run(filled(tmp_path))
    with client_of(launch, tmp_path) as client:
        answer = client.get(path)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == ("LUCID_ERR_4001" if status == 404 else "LUCID_ERR_1001")
