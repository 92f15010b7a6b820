"""Kills the blockchain services at random moments under load, and holds them to everything that they ever confirmed.

`python tests/services/kills.py 200` does so 200 times; the seed that it prints repeats the order of the kills, not
their moments.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx2 as httpx
from chain_stack import ANCHORING, DATA, ENGINE, MANAGER, PACKAGES, Stack, anchoring_of, eventually, recorded, upload

# Kills between two lines of progress.
REPORTED = 20


@dataclass
class Ledger:
    """What the services confirmed to their clients: all of it must be there for ever."""

    chunks: dict[str, bytes] = field(default_factory=dict)
    roots: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    """Anchorings that were answered with 202: session → anchoring."""
    anchorings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Anchorings that were answered with confirmed, by session."""
    blocks: dict[tuple[str, int], str] = field(default_factory=dict)
    """Hashes of blocks by service and height."""


class Load:
    """Clients that work as long as they may; whatever a killed service leaves them without, they do not count."""

    def __init__(self, stack: Stack, ledger: Ledger) -> None:
        self._stack = stack
        self._ledger = ledger
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(3)
        self._work: list[Future[None]] = []

    def __enter__(self) -> None:
        self._work = [self._pool.submit(work) for work in (self._record, self._follow, self._read_blocks)]

    def __exit__(self, *_details: object) -> None:
        self._stopping.set()
        self._pool.shutdown()
        for work in self._work:
            work.result()

    def _record(self) -> None:
        for number in count():
            if self._stopping.wait(0.1):
                return
            session = recorded(f"session-{number}", count=2, size=20_000)
            with contextlib.suppress(httpx.HTTPError):
                root = upload(self._stack, session)
                self._ledger.chunks |= dict(zip(session.hashes, session.chunks, strict=True))
                self._ledger.roots[root] = len(session.chunks)
                body = anchoring_of(session, root)
                answer = self._stack.ask(ANCHORING, "POST", "/anchoring/session", json=body).raise_for_status()
                self._ledger.accepted[session.name] = answer.json()["anchoring_id"]

    def _follow(self) -> None:
        while not self._stopping.wait(0.1):
            for name in [name for name in list(self._ledger.accepted) if name not in self._ledger.anchorings]:
                with contextlib.suppress(httpx.HTTPError):
                    answer = self._stack.ask(ANCHORING, "GET", f"/anchoring/session/{name}").raise_for_status().json()
                    if answer["status"] == "confirmed":
                        self._ledger.anchorings[name] = answer

    def _read_blocks(self) -> None:
        while not self._stopping.wait(0.1):
            for service in (ENGINE, MANAGER):
                with contextlib.suppress(httpx.HTTPError):
                    answer = self._stack.ask(service, "GET", "/blocks").raise_for_status().json()
                    for block in answer["blocks"]:
                        known = self._ledger.blocks.setdefault((service, block["height"]), block["hash"])
                        if known != block["hash"]:
                            raise AssertionError(f"block {block['height']} of the {service} has changed")


def run(stack: Stack, ledger: Ledger, kills: int, seed: int) -> None:
    """Kill services `kills` times under load, then demand everything that `ledger` holds. Raises AssertionError."""
    chance = random.Random(seed)  # noqa: S311  no secret depends on it
    with stack:
        with Load(stack, ledger):
            for number in range(kills):
                if number % REPORTED == 0:
                    print(f"{number} kills, {len(ledger.accepted)} anchorings accepted", flush=True)  # noqa: T201  a program
                victims = chance.sample(list(PACKAGES), chance.choice((1, 1, 1, 2, 4)))
                # The moment is what is random; nothing else depends on the wait.
                time.sleep(chance.uniform(0.0, 1.5))
                for victim in victims:
                    stack.kill(victim)
                for victim in victims:
                    stack.start(victim)
                for victim in victims:
                    stack.await_life(victim, 120)
        demand(stack, ledger)


def demand(stack: Stack, ledger: Ledger) -> None:
    """Demand everything that was confirmed, and that nothing is left half-written."""
    for name, content in ledger.chunks.items():
        assert stack.ask(DATA, "GET", f"/chunks/{name}").content == content, name
    for root, leaves in ledger.roots.items():
        assert stack.ask(DATA, "GET", f"/merkle/{root}").json()["leaf_count"] == leaves
    # What was accepted is confirmed in the end, and what was confirmed stays as it was.
    for session, anchoring in ledger.accepted.items():
        path = f"/anchoring/session/{session}"
        eventually(lambda path=path: stack.ask(ANCHORING, "GET", path).json()["status"] == "confirmed")  # type: ignore[misc]
        assert stack.ask(ANCHORING, "GET", path).json()["anchoring_id"] == anchoring
    for session, actual in ledger.anchorings.items():
        assert stack.ask(ANCHORING, "GET", f"/anchoring/session/{session}").json() == actual
        claim = {"session_id": session, "merkle_root": actual["merkle_root"]}
        assert stack.ask(ANCHORING, "POST", "/anchoring/verify", json=claim).json()["verified"] is True, session
    for (service, height), name in ledger.blocks.items():
        path = f"/blocks/height/{height}"
        eventually(lambda service=service, path=path: stack.ask(service, "GET", path).status_code == 200)  # type: ignore[misc]
        assert stack.ask(service, "GET", path).json()["hash"] == name, (service, height)
    part = stack.ask(MANAGER, "GET", "/blocks/validate").json()
    while "next" in part:
        part = stack.ask(MANAGER, "GET", "/blocks/validate", params={"cursor": part["next"]}).json()
    assert part["valid"], part
    assert part["complete"], part
    assert list((stack.folder / DATA / "CHUNKS_DIR" / ".incoming").iterdir()) == []


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)  # noqa: T201  likewise
    ledger = Ledger()
    with tempfile.TemporaryDirectory() as folder:
        run(Stack(Path(folder)), ledger, options.kills, options.seed)
    print(  # noqa: T201  likewise
        f"{options.kills} kills: {len(ledger.chunks)} chunks, {len(ledger.roots)} trees, "
        f"{len(ledger.accepted)} accepted and {len(ledger.anchorings)} confirmed anchorings, "
        f"{len(ledger.blocks)} blocks read; nothing lost"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
