"""The data chain over HTTP: what is refused, and that a client can verify everything by itself."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

import httpx2 as httpx
import pytest
from blake3 import blake3
from lucid_chain.merkle import Step, Tree, verify
from lucid_data_chain.handlers import OPERATIONS
from lucid_data_chain.models import MOST_LEAVES
from lucid_data_chain.service import data_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LARGEST = 1024 * 1024
UNKNOWN = "0" * 64


def named(content: bytes) -> str:
    return blake3(content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("chunks", "merkle"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def client(launch: Callable[..., Any], folder: Path) -> Iterator[httpx.Client]:
    provide = lambda _context: data_chain(folder / "chunks", folder / "merkle", LARGEST)  # noqa: E731
    with launch(OPERATIONS, provide=provide) as url, httpx.Client(base_url=url + "/api/v1") as client:
        yield client


def stored(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "chunks").rglob("*") if path.is_file())


def upload(client: httpx.Client, count: int) -> list[str]:
    contents = [f"chunk {number}".encode() for number in range(count)]
    for content in contents:
        assert client.put(f"/chunks/{named(content)}", content=content).status_code == 201
    return [named(content) for content in contents]


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_chunk_is_stored_once_and_comes_back(client: httpx.Client) -> None:
    content = os.urandom(300_000)
    path = f"/chunks/{named(content)}"
    first, second = client.put(path, content=content), client.put(path, content=content)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json() == {"hash": named(content), "size": 300_000}
    answer = client.get(path)
    assert (answer.content, answer.headers["content-type"]) == (content, "application/octet-stream")
    head = client.head(path)
    assert (head.headers["content-length"], head.content) == ("300000", b"")
    assert head.headers["etag"] == f'"{named(content)}"'


def test_range_of_a_chunk(client: httpx.Client) -> None:
    content = os.urandom(1000)
    path = f"/chunks/{named(content)}"
    client.put(path, content=content)
    answer = client.get(path, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, content[10:20])
    assert answer.headers["content-range"] == "bytes 10-19/1000"
    beyond = client.get(path, headers={"Range": "bytes=1000-"})
    assert (code(beyond), beyond.headers["content-range"]) == ((416, "LUCID_ERR_1007"), "bytes */1000")
    # Of another version of the chunk a range would be of no use; there is only this one.
    other = client.get(path, headers={"Range": "bytes=10-19", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, content)


@pytest.mark.parametrize("name", ["x", UNKNOWN[1:], UNKNOWN + "0", UNKNOWN[1:] + "G", UNKNOWN + "%0a", "..%2f..%2fetc"])
@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD"])
def test_name_that_is_no_hash_is_refused(client: httpx.Client, folder: Path, method: str, name: str) -> None:
    answer = client.request(method, f"/chunks/{name}", content=b"" if method == "PUT" else None)
    assert answer.status_code in {404, 422}
    assert stored(folder) == []


def test_wrong_content_is_refused_and_not_kept(client: httpx.Client, folder: Path) -> None:
    answer = client.put(f"/chunks/{named(b'one')}", content=b"two")
    assert code(answer) == (422, "LUCID_ERR_1001")
    assert answer.json()["error"]["details"] == {"expected": named(b"one"), "actual": named(b"two")}
    assert stored(folder) == []
    assert code(client.get(f"/chunks/{named(b'one')}")) == (404, "LUCID_ERR_4001")


@pytest.mark.parametrize("declared", [True, False])
def test_too_large_is_refused_and_not_kept(client: httpx.Client, folder: Path, declared: bool) -> None:  # noqa: FBT001
    content = bytes(LARGEST + 1)
    sent = content if declared else iter([content[:LARGEST], content[LARGEST:]])
    assert code(client.put(f"/chunks/{named(content)}", content=sent)) == (413, "LUCID_ERR_1003")
    assert stored(folder) == []


def test_upload_that_breaks_off_is_not_kept(client: httpx.Client, folder: Path, eventually: Any) -> None:
    content = os.urandom(100_000)
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as sock:
        head = f"PUT /api/v1/chunks/{named(content)} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
        sock.sendall(head.encode() + content[:50_000])
        eventually(lambda: len(stored(folder)) == 1)
    eventually(lambda: stored(folder) == [])
    assert client.get(f"/chunks/{named(content)}").status_code == 404


def test_chunks_on_their_way_are_bounded(
    client: httpx.Client, folder: Path, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    (name,) = upload(client, 1)
    monkeypatch.setattr("lucid_data_chain.service.MOST_TRANSFERS", 1)
    host, port = client.base_url.host, client.base_url.port
    with socket.create_connection((host, port)) as slow:
        slow.sendall(b"PUT /api/v1/chunks/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx" % UNKNOWN.encode())
        eventually(lambda: list((folder / "chunks" / ".incoming").iterdir()))
        assert client.get(f"/chunks/{name}").status_code == 503
        answer = client.put(f"/chunks/{name}", content=b"chunk 0")
        assert (code(answer), answer.headers["retry-after"]) == ((503, "LUCID_ERR_5003"), "1")
    eventually(lambda: client.get(f"/chunks/{name}").status_code == 200)
    assert client.put(f"/chunks/{name}", content=b"chunk 0").status_code == 200


@pytest.mark.parametrize(
    "header",
    ["bytes=0-1,2-3", "bytes=" + ",".join(["0-1"] * 2000), "bytes=5-1", "bytes=a-b", "bytes=" + "9" * 400 + "-"],
)
def test_range_that_is_none_gets_the_whole_once(client: httpx.Client, header: str) -> None:
    (name,) = upload(client, 1)
    answer = client.get(f"/chunks/{name}", headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, b"chunk 0")


def test_full_volume_is_said(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lucid_data_chain.chunks.RESERVE", 2**60)
    assert code(client.put(f"/chunks/{named(b'x')}", content=b"x")) == (507, "LUCID_ERR_5000")


def test_tree_over_chunks_gives_proofs_that_hold_without_the_service(client: httpx.Client) -> None:
    names = upload(client, 5)
    built = client.post("/merkle/build", json={"session_id": "s-1", "chunk_hashes": names}).json()
    root = built["root_hash"]
    assert bytes.fromhex(root) == Tree(bytes.fromhex("".join(names))).root
    assert (built["leaf_count"], built["session_id"]) == (5, "s-1")
    assert client.get(f"/merkle/{root}").json() == {
        name: built[name] for name in ("root_hash", "leaf_count", "created_at")
    }
    assert client.get(f"/merkle/{root}/leaves", params={"first": 3}).json()["chunk_hashes"] == names[3:]
    for index, name in enumerate(names):
        proof = client.get(f"/merkle/{root}/proofs/{index}").json()
        assert proof["leaf_hash"] == name
        steps = [Step(bytes.fromhex(step["hash"]), step["side"]) for step in proof["proof_path"]]
        assert verify(bytes.fromhex(root), bytes.fromhex(name), steps)
        claim = {"root_hash": root, "leaf_hash": name, "proof_path": proof["proof_path"]}
        assert client.post("/merkle/verify", json=claim).json()["verified"] is True
        assert client.post("/merkle/verify", json={**claim, "leaf_hash": names[index - 1]}).json()["verified"] is False
        assert client.post("/merkle/verify", json={**claim, "root_hash": UNKNOWN}).json()["verified"] is False


def test_building_again_changes_nothing(client: httpx.Client) -> None:
    names = upload(client, 3)
    answers = [
        client.post("/merkle/build", json={"session_id": session, "chunk_hashes": names}).json()
        for session in ("s-1", "s-1", "s-2")
    ]
    assert len({(answer["root_hash"], answer["created_at"]) for answer in answers}) == 1


def test_tree_over_chunks_that_are_not_stored_is_refused(client: httpx.Client) -> None:
    names = [*upload(client, 1), UNKNOWN]
    answer = client.post("/merkle/build", json={"session_id": "s-1", "chunk_hashes": names})
    assert code(answer) == (409, "LUCID_ERR_4002")
    assert answer.json()["error"]["details"] == {"missing": [UNKNOWN], "missing_count": 1}


def test_unknown_trees_and_leaves_are_404(client: httpx.Client) -> None:
    names = upload(client, 2)
    root = client.post("/merkle/build", json={"session_id": "s-1", "chunk_hashes": names}).json()["root_hash"]
    for path in (f"/{UNKNOWN}", f"/{UNKNOWN}/leaves", f"/{UNKNOWN}/proofs/0", f"/{root}/proofs/2"):
        assert code(client.get("/merkle" + path)) == (404, "LUCID_ERR_4001")


@pytest.mark.parametrize(
    "body",
    [
        {"session_id": "s-1", "chunk_hashes": []},
        {"session_id": "s-1", "chunk_hashes": UNKNOWN},
        {"session_id": "s-1", "chunk_hashes": [UNKNOWN + "\n"]},
        {"session_id": "s-1", "chunk_hashes": [UNKNOWN.replace("0", "A")]},
        {"session_id": "s-1", "chunk_hashes": [UNKNOWN], "more": 1},
        {"session_id": "", "chunk_hashes": [UNKNOWN]},
        {"session_id": "a/b", "chunk_hashes": [UNKNOWN]},
        {"session_id": "x" * 129, "chunk_hashes": [UNKNOWN]},
        {"session_id": "s-1"},
        [],
    ],
)
def test_body_of_another_shape_is_refused(client: httpx.Client, body: Any) -> None:
    assert code(client.post("/merkle/build", json=body)) == (422, "LUCID_ERR_1001")


def test_too_many_leaves_are_refused(client: httpx.Client) -> None:
    names = [UNKNOWN] * (MOST_LEAVES + 1)
    answer = client.post("/merkle/build", json={"session_id": "s-1", "chunk_hashes": names})
    assert code(answer) == (422, "LUCID_ERR_1001")


@pytest.mark.parametrize(
    "step",
    [{"hash": UNKNOWN}, {"hash": UNKNOWN, "side": "up"}, {"hash": "0", "side": "left"}, [UNKNOWN, "left"]],
)
def test_proof_of_another_shape_is_refused(client: httpx.Client, step: Any) -> None:
    body = {"root_hash": UNKNOWN, "leaf_hash": UNKNOWN, "proof_path": [step]}
    assert code(client.post("/merkle/verify", json=body)) == (422, "LUCID_ERR_1001")


def test_endless_proof_is_refused(client: httpx.Client) -> None:
    path = [{"hash": UNKNOWN, "side": "left"}] * 65
    body = {"root_hash": UNKNOWN, "leaf_hash": UNKNOWN, "proof_path": path}
    assert code(client.post("/merkle/verify", content=json.dumps(body))) == (422, "LUCID_ERR_1001")
