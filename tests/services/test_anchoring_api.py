"""Session anchoring over HTTP: what it answers, what it refuses, and what it says while its engine is away."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import httpx2 as httpx
import pytest
from anchorings import becomes, hasten, run
from chain_facts import anchor, digest
from lucid_chain.merkle import Tree
from lucid_chain.rpc.client import engine_client
from lucid_session_anchoring.anchoring import SessionAnchoring, condition, session_anchoring
from lucid_session_anchoring.handlers import OPERATIONS
from nodes import identities, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


LEAVES = [bytes.fromhex(digest(f"chunk {number}")) for number in range(3)]

TREE = Tree(b"".join(LEAVES))

ROOT = TREE.root.hex()

BODY = {
    "session_id": "s-1",
    "manifest_data": {"chunk_count": 3, "total_size": 300, "created_at": "2026-11-25T10:00:00Z"},
    "merkle_root": ROOT,
    "user_signature": "c2lnbmF0dXJl",
}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)


@contextmanager
def client_of(launch: Callable[..., Any], tmp_path: Path, *, engine: bool) -> Iterator[httpx.Client]:
    @asynccontextmanager
    async def provide(_context: Any) -> AsyncIterator[SessionAnchoring]:
        (tmp_path / "own").mkdir()
        if not engine:
            async with engine_client("127.0.0.1:1") as client, session_anchoring(tmp_path / "own", client) as service:
                yield service
            return
        async with (
            served(tmp_path / "engine") as (_node, port),
            engine_client(f"127.0.0.1:{port}") as client,
            session_anchoring(tmp_path / "own", client) as service,
        ):
            yield service

    with launch(OPERATIONS, provide=provide) as url, httpx.Client(base_url=url + "/api/v1/anchoring") as client:
        yield client


def proof(index: int) -> dict[str, Any]:
    steps = [{"hash": step.hash.hex(), "side": step.side} for step in TREE.proof(index)]
    return {"leaf_hash": LEAVES[index].hex(), "proof_path": steps}


def test_journey_of_a_session_and_every_wrong_claim_about_it(
    tmp_path: Path, launch: Callable[..., Any], eventually: Any
) -> None:
    with client_of(launch, tmp_path, engine=True) as client:
        answer = client.post("/session", json=BODY)
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        claim = {"session_id": "s-1", "merkle_root": ROOT, **proof(1)}
        eventually(lambda: client.get("/session/s-1").json()["status"] == "confirmed")
        found = client.get("/session/s-1").json()
        assert found["anchoring_id"] == answer.json()["anchoring_id"]

        def judged(**changes: Any) -> tuple[bool, str, bool]:
            body = {name: value for name, value in {**claim, **changes}.items() if value is not None}
            actual = client.post("/verify", json=body).json()
            assert (actual["block_height"], actual["transaction_id"]) == (
                found["block_height"],
                found["transaction_id"],
            )
            return actual["verified"], actual["reason"], actual["merkle_proof_valid"]

        assert judged() == (True, "", True)
        assert judged(leaf_hash=None, proof_path=None) == (True, "", True)
        assert judged(merkle_root=digest("other")) == (False, "wrong_root", False)
        assert judged(leaf_hash=LEAVES[0].hex()) == (False, "wrong_proof", False)
        assert judged(proof_path=[]) == (False, "wrong_proof", False)
        unknown = client.post("/verify", json={**claim, "session_id": "s-2"})
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "LUCID_ERR_4001")
        assert client.get("/session/s-2").status_code == 404
        counts = client.get("/status").json()
        assert counts == {"pending": 0, "processing": 0, "confirmed": 1, "rejected": 0, "complaint": ""}


def test_session_is_anchored_once(tmp_path: Path, launch: Callable[..., Any]) -> None:
    with client_of(launch, tmp_path, engine=False) as client:
        first = client.post("/session", json=BODY)
        again = client.post("/session", json=BODY)
        assert again.status_code == 202
        assert again.json()["anchoring_id"] == first.json()["anchoring_id"]
        manifest = {**BODY["manifest_data"], "chunk_count": 4}  # type: ignore[dict-item]
        for other in ({"merkle_root": digest("x")}, {"manifest_data": manifest}, {"user_signature": "b3RoZXI="}):
            answer = client.post("/session", json={**BODY, **other})
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "LUCID_ERR_4002")
        assert client.get("/session/s-1").json()["merkle_root"] == ROOT
        assert client.get("/status").json()["pending"] == 1


def test_what_the_chain_must_answer_is_not_answered_without_it(tmp_path: Path, launch: Callable[..., Any]) -> None:
    with client_of(launch, tmp_path, engine=False) as client:
        client.post("/session", json=BODY)
        actual = client.post("/verify", json={"session_id": "s-1", "merkle_root": ROOT}).json()
        assert (actual["verified"], actual["reason"], "block_height" in actual) == (False, "not_confirmed", False)


def test_verifying_without_the_engine_is_503(tmp_path: Path, launch: Callable[..., Any]) -> None:
    own = tmp_path / "own"
    own.mkdir()

    async def confirmed() -> None:
        async with (
            served(tmp_path / "engine") as (_node, port),
            engine_client(f"127.0.0.1:{port}") as client,
            session_anchoring(own, client) as service,
        ):
            await service.anchor("s-1", anchor("s-1"))
            await becomes(service, "confirmed", "s-1")

    run(confirmed)

    @asynccontextmanager
    async def provide(_context: Any) -> AsyncIterator[SessionAnchoring]:
        async with engine_client("127.0.0.1:1") as client, session_anchoring(own, client) as service:
            yield service

    with launch(OPERATIONS, provide=provide) as url:
        body = {"session_id": "s-1", "merkle_root": anchor("s-1").merkle_root}
        answer = httpx.post(url + "/api/v1/anchoring/verify", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "LUCID_ERR_5003")


@pytest.mark.parametrize(
    "change",
    [
        {"session_id": ""},
        {"session_id": "../etc"},
        {"session_id": "x" * 129},
        {"session_id": "s-1\n"},
        {"session_id": "s\x001"},
        {"session_id": "s\u202e1"},
        {"merkle_root": ROOT.upper()},
        {"merkle_root": ROOT + "\n"},
        {"user_signature": ""},
        {"user_signature": "x" * 1025},
        {"user_signature": "<script>"},
        {"user_signature": "abc\n"},
        {"manifest_data": {}},
        {"manifest_data": {"chunk_count": 0, "total_size": 1, "created_at": "2026-11-25T10:00:00Z"}},
        {"manifest_data": {"chunk_count": 1, "total_size": -1, "created_at": "2026-11-25T10:00:00Z"}},
        {"manifest_data": {"chunk_count": 1, "total_size": 1, "created_at": "2026-11-25T10:00:00"}},
        {"manifest_data": {"chunk_count": 1, "total_size": 1, "created_at": "yesterday"}},
        {"manifest_data": {"chunk_count": 1.5, "total_size": 1, "created_at": "2026-11-25T10:00:00Z"}},
        {"extra": 1},
    ],
)
def test_malformed_session_is_refused_and_leaves_no_trace(
    tmp_path: Path, launch: Callable[..., Any], change: dict[str, Any]
) -> None:
    with client_of(launch, tmp_path, engine=False) as client:
        answer = client.post("/session", content=json.dumps({**BODY, **change}))
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "LUCID_ERR_1001")
        assert client.get("/status").json()["pending"] == 0


def test_health_tells_that_anchorings_wait_for_the_engine(
    tmp_path: Path, launch: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    """Its HTTP may answer while its gRPC does not: then the engine is alive, and nothing gets on the chain."""

    @asynccontextmanager
    async def provide(_context: Any) -> AsyncIterator[SessionAnchoring]:
        async with engine_client("127.0.0.1:1") as client, session_anchoring(tmp_path, client) as service:
            yield service

    with launch(OPERATIONS, provide=provide, condition=condition) as url:
        eventually(lambda: httpx.get(url + "/health").json()["status"] == "degraded")
        assert httpx.get(url + "/api/v1/anchoring/status").json()["complaint"]


def test_who_asks_is_told_to_the_engine(
    tmp_path: Path, launch: Callable[..., Any], eventually: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """The transaction is sent after the answer, and belongs to the request all the same."""
    seen = identities(caplog)
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"X-Request-ID": "abc-1", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    with client_of(launch, tmp_path, engine=True) as client:
        client.post("/session", json=BODY, headers=headers)
        eventually(lambda: ("abc-1", trace) in seen)


@pytest.mark.parametrize("half", ["leaf_hash", "proof_path"])
def test_half_a_proof_is_refused(tmp_path: Path, launch: Callable[..., Any], half: str) -> None:
    with client_of(launch, tmp_path, engine=False) as client:
        client.post("/session", json=BODY)
        body = {"session_id": "s-1", "merkle_root": ROOT, half: proof(0)[half]}
        assert client.post("/verify", json=body).status_code == 422
