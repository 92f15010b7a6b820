"""A session's way through the four services as processes, and what is left of it when they are killed on the way."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from chain_stack import (
    ANCHORING,
    DATA,
    ENGINE,
    MANAGER,
    PACKAGES,
    Stack,
    anchoring_of,
    eventually,
    proofs,
    recorded,
    upload,
)
from kills import Ledger, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_IDLE = 80 * 1024
LARGEST_BUSY = 120 * 1024


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path) as running:
        yield running


def anchored(stack: Stack, name: str) -> bool:
    return bool(stack.ask(ANCHORING, "GET", f"/anchoring/session/{name}").json().get("status") == "confirmed")


def test_session_is_stored_anchored_and_verified(stack: Stack) -> None:
    assert all(stack.memory(name) < LARGEST_IDLE for name in PACKAGES)
    session = recorded("journey-1", count=5, size=300_000)
    root = upload(stack, session)
    answer = stack.ask(ANCHORING, "POST", "/anchoring/session", json=anchoring_of(session, root))
    assert answer.status_code == 202
    eventually(lambda: anchored(stack, session.name))
    actual = stack.ask(ANCHORING, "GET", f"/anchoring/session/{session.name}").json()
    path = f"/blocks/height/{actual['block_height']}"
    eventually(lambda: stack.ask(MANAGER, "GET", path).status_code == 200)
    blocks = [stack.ask(name, "GET", path).json() for name in (ENGINE, MANAGER)]
    assert blocks[0] == blocks[1]
    assert blocks[0]["hash"] == actual["block_hash"]
    assert actual["transaction_id"] in blocks[0]["transaction_ids"]
    for name, proof in zip(session.hashes, proofs(stack, root, 5), strict=True):
        claim = {"session_id": session.name, "merkle_root": root, "leaf_hash": name, "proof_path": proof}
        verdict = stack.ask(ANCHORING, "POST", "/anchoring/verify", json=claim).json()
        assert (verdict["verified"], verdict["block_height"]) == (True, actual["block_height"])
    tampered = {**claim, "leaf_hash": recorded("tampered").hashes[0]}
    assert stack.ask(ANCHORING, "POST", "/anchoring/verify", json=tampered).json()["verified"] is False
    assert stack.ask(DATA, "PUT", f"/chunks/{session.hashes[0]}", content=b"tampered").status_code == 422
    assert stack.ask(MANAGER, "GET", "/blocks/validate").json()["valid"] is True
    assert all(stack.memory(name, "VmHWM") < LARGEST_BUSY for name in PACKAGES)


def test_every_service_stops_cleanly_within_docker_s_grace(stack: Stack) -> None:
    session = recorded("stopping")
    root = upload(stack, session)
    stack.ask(ANCHORING, "POST", "/anchoring/session", json=anchoring_of(session, root))
    assert max(stack.stop(name) for name in PACKAGES) < 8
    for name in PACKAGES:
        stack.start(name)
    eventually(lambda: anchored(stack, session.name))


def test_stop_during_an_upload_leaves_nothing_half_written(stack: Stack, tmp_path: Path) -> None:
    chunks = tmp_path / DATA / "CHUNKS_DIR"

    def files() -> list[Path]:
        return [path for path in chunks.rglob("*") if path.is_file()]

    with socket.create_connection(("127.0.0.1", stack.ports[DATA])) as slow:
        head = f"PUT /api/v1/chunks/{'0' * 64} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n"
        slow.sendall(head.encode() + b"x" * 500_000)
        eventually(files)
        assert stack.stop(DATA) < 8
    assert files() == []


def test_health_tells_the_truth_within_15_seconds(stack: Stack) -> None:
    def statuses() -> set[str]:
        actual = [stack.get(name, "/health").json() for name in (ANCHORING, MANAGER)]
        return {status for one in actual for status in (one["status"], *one["dependencies"].values())}

    eventually(lambda: statuses() == {"healthy"}, 15)
    os.kill(stack.processes[ENGINE].pid, signal.SIGSTOP)
    try:
        eventually(lambda: statuses() == {"degraded", "unhealthy"}, 15)
    finally:
        os.kill(stack.processes[ENGINE].pid, signal.SIGCONT)
    eventually(lambda: statuses() == {"healthy"}, 15)
    stack.kill(ENGINE)
    eventually(lambda: statuses() == {"degraded", "unhealthy"}, 15)
    stack.start(ENGINE)
    eventually(lambda: statuses() == {"healthy"}, 15)


def test_block_manager_gets_back_what_it_lost(stack: Stack, tmp_path: Path) -> None:
    def height() -> int:
        # Without any block yet there is no newest one, and the answer is 404.
        found: int = stack.ask(MANAGER, "GET", "/blocks/latest").json().get("height", -1)
        return found

    eventually(lambda: height() >= 3)
    stack.kill(MANAGER)
    shutil.rmtree(tmp_path / MANAGER)
    stack.start(MANAGER)
    eventually(lambda: height() >= 4)
    assert stack.ask(MANAGER, "GET", "/blocks/validate").json()["valid"] is True


def test_two_engines_as_processes_fed_in_different_order_agree(tmp_path: Path) -> None:
    bodies = [
        {"type": "tally", "node": f"node-{number}", "period": 1, "sessions": number, "megabytes": 9, "uptime": 9000}
        for number in range(10)
    ]
    # A busy machine needs longer slots.
    for seconds in (3, 6, 12, 24):
        stacks = [Stack(tmp_path / f"{name}-{seconds}", block_time=seconds) for name in ("one", "two")]
        try:
            chains = chains_fed_within_one_slot(stacks, bodies, seconds)
        finally:
            for one in stacks:
                one.__exit__()
        if chains:
            break
    assert chains, "the machine was too slow to feed two engines within one slot"
    assert chains[0] == chains[1]
    assert sum(block["transaction_count"] for block in chains[0][1:]) == 10
    assert chains[0][-1]["validator"].startswith("node-")


def chains_fed_within_one_slot(
    stacks: list[Stack], bodies: list[dict[str, Any]], seconds: int
) -> list[list[dict[str, Any]]]:
    """Start engines in one slot of `seconds`, feed each in an order of its own within another; [] when that failed.

    Blocks agree only where both engines begin, and receive the transactions, before the same slot ends.
    """

    def since_slot_began() -> float:
        return time.time() % seconds

    def first_block(one: Stack) -> dict[str, Any]:
        eventually(lambda: one.ask(ENGINE, "GET", "/chain/height").json()["height"] >= 1, 30 + 3 * seconds)
        found: dict[str, Any] = one.ask(ENGINE, "GET", "/blocks/height/1").json()
        return found

    eventually(lambda: since_slot_began() < 0.2, 2 * seconds)
    for one in stacks:
        one.folder.mkdir()
        one.start(ENGINE)
    for one in stacks:
        eventually(lambda one=one: one.get(ENGINE, "/health/live").status_code == 200)  # type: ignore[misc]
    if first_block(stacks[0])["timestamp"] != first_block(stacks[1])["timestamp"]:
        return []
    eventually(lambda: since_slot_began() < 0.2, 2 * seconds)
    fed = time.time()
    for one in stacks:
        random.shuffle(bodies)
        for body in bodies:
            assert one.ask(ENGINE, "POST", "/transactions", json=body).status_code == 202
    if time.time() // seconds != fed // seconds:
        return []
    for one in stacks:
        eventually(lambda one=one: one.ask(ENGINE, "GET", "/chain/height").json()["height"] >= 5, 30 + 9 * seconds)  # type: ignore[misc]
    return [[one.ask(ENGINE, "GET", f"/blocks/height/{height}").json() for height in range(5)] for one in stacks]


def test_kills_at_random_moments_lose_nothing(tmp_path: Path) -> None:
    ledger = Ledger()
    run(Stack(tmp_path), ledger, kills=8, seed=18)
    assert ledger.chunks
    assert ledger.anchorings
