"""The service of session anchoring: one anchoring a session, brought onto the chain whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from anchorings import becomes, hasten, run
from chain_facts import anchor
from lucid_chain.rpc.client import EngineError, engine_client
from lucid_session_anchoring import anchoring as anchoring_module
from lucid_session_anchoring.anchoring import SessionAnchoring, session_anchoring
from nodes import asked, served, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lucid_session_anchoring.store import Anchoring


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)


async def verdict_of_chain(service: SessionAnchoring, found: Anchoring) -> str:
    """Ask until the engine answers: after a restart, the client connects again only when its backoff has passed."""
    while True:
        with suppress(EngineError):
            return (await service.verify(found, found.anchor.merkle_root, None, None)).reason
        await asyncio.sleep(0.02)


def test_pending_anchorings_are_taken_up_after_a_restart(tmp_path: Path, free_port: Callable[[], int]) -> None:
    own, port = tmp_path / "own", free_port()
    own.mkdir()

    async def scene() -> None:
        async with engine_client(f"127.0.0.1:{port}") as client, session_anchoring(own, client) as service:
            await service.anchor("s", anchor("s"))
            await until(lambda: "UNAVAILABLE" in service.complaint)
            assert (await becomes(service, "pending")).block_height is None
        async with (
            served(tmp_path / "engine", f"127.0.0.1:{port}") as (node, _port),
            engine_client(f"127.0.0.1:{port}") as client,
            session_anchoring(own, client) as service,
        ):
            found = await becomes(service, "confirmed")
            block = await node.chain.block_at(found.block_height)
            assert block is not None
            assert (block.hash, block.transactions) == (found.block_hash, (anchor("s"),))
            assert service.complaint == ""

    run(scene)


def test_anchorings_under_way_are_taken_up_after_a_restart(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()

    async def scene() -> None:
        async with served(tmp_path / "engine") as (_node, port), engine_client(f"127.0.0.1:{port}") as client:
            async with session_anchoring(own, client) as service:
                await service.anchor("s", anchor("s"))
                await becomes(service, "processing")
            async with session_anchoring(own, client) as service:
                await becomes(service, "confirmed")

    run(scene)


def test_more_than_a_batch_is_confirmed_without_another_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchoring_module, "_BATCH", 1)
    own = tmp_path / "own"
    own.mkdir()

    names = [f"s-{number}" for number in range(8)]
    # What the service takes for the newest block; another one comes when it is told so.
    newest = ["a" * 64]

    async def latest() -> str:
        return newest[-1]

    async def scene() -> None:
        async with asked(tmp_path / "engine") as (node, client), session_anchoring(own, client) as service:
            monkeypatch.setattr(client, "latest_hash", latest)
            for name in names:
                await service.anchor(name, anchor(name))
            while (await service.counts())["pending"]:  # noqa: ASYNC110  what it waits for tells nobody
                await asyncio.sleep(0.02)
            await node.chain.beyond(node.chain.height + 1)
            newest.append("b" * 64)
            for name in names:
                await becomes(service, "confirmed", name)

    run(scene)


def test_engine_that_forgot_a_transaction_gets_it_again(tmp_path: Path, free_port: Callable[[], int]) -> None:
    own, port = tmp_path / "own", free_port()
    own.mkdir()

    async def scene() -> None:
        async with engine_client(f"127.0.0.1:{port}") as client, session_anchoring(own, client) as service:
            async with served(tmp_path / "one", f"127.0.0.1:{port}"):
                await service.anchor("s", anchor("s"))
                await becomes(service, "processing")
            async with served(tmp_path / "two", f"127.0.0.1:{port}") as (node, _port):
                found = await becomes(service, "confirmed")
                assert await node.chain.inclusion(bytes.fromhex(found.transaction_id)) is not None

    run(scene)


def test_session_that_the_chain_has_with_another_content_is_rejected(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()

    async def scene() -> None:
        async with served(tmp_path / "engine") as (node, port), engine_client(f"127.0.0.1:{port}") as client:
            await node.submit(anchor("s", "other"))
            await node.chain.beyond(node.chain.height + 1)
            async with session_anchoring(own, client) as service:
                await service.anchor("s", anchor("s"))
                found = await becomes(service, "rejected")
                verdict = await service.verify(found, found.anchor.merkle_root, None, None)
                assert (verdict.reason, verdict.proof_valid) == ("not_confirmed", False)

    run(scene)


def test_anchoring_whose_chain_is_gone_is_no_longer_verified(tmp_path: Path, free_port: Callable[[], int]) -> None:
    own, port = tmp_path / "own", free_port()
    own.mkdir()

    async def scene() -> None:
        async with engine_client(f"127.0.0.1:{port}") as client, session_anchoring(own, client) as service:
            async with served(tmp_path / "one", f"127.0.0.1:{port}"):
                await service.anchor("s", anchor("s"))
                found = await becomes(service, "confirmed")
                assert await verdict_of_chain(service, found) == ""
            async with served(tmp_path / "two", f"127.0.0.1:{port}") as (node, _port):
                assert await verdict_of_chain(service, found) == "not_on_chain"
                # Also when the same transaction stands in another block.
                await node.submit(anchor("s"))
                await node.chain.beyond(node.chain.height + 1)
                assert await verdict_of_chain(service, found) == "not_on_chain"

    run(scene)
