"""Whom the gateway admits, and what it passes on."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from gateway_facts import BIG, HASH, bearer, error

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    "path", ["chain/info", "transactions/pending", "consensus/status", "blocks/latest", "anchoring/status", "merkle/x"]
)
def test_paths_are_passed_on_as_they_came(url: str, path: str) -> None:
    body = httpx2.get(f"{url}/api/v1/{path}?a=1&b=%20").json()
    assert body["target"] == f"/api/v1/{path}?a=1&b=%20"


def test_only_known_headers_are_passed_on_and_the_token_is_not(url: str) -> None:
    sent = {**bearer(), "X-Request-ID": "abc-1", "X-Forwarded-For": "1.2.3.4", "Cookie": "a=b", "Accept": "text/x"}
    body = httpx2.get(f"{url}/api/v1/chain/info", headers=sent).json()
    seen = set(body["headers"])
    assert {"x-request-id", "traceparent", "accept", "host"} <= seen
    assert not {"authorization", "x-forwarded-for", "cookie"} & seen
    assert (body["headers"]["x-request-id"], body["headers"]["accept"]) == ("abc-1", "text/x")


def test_the_mesh_gets_the_token_to_check_it_again(url: str) -> None:
    admin = bearer("admin")
    body = httpx2.post(f"{url}/api/v1/service-discovery/services", json={}, headers=admin).json()
    assert body["headers"]["authorization"] == admin["Authorization"]


@pytest.mark.parametrize(
    ("method", "path", "role", "status"),
    [
        ("GET", "chain/info", None, 200),
        ("GET", "chain/info", "reader", 200),
        ("POST", "anchoring/verify", None, 200),
        ("POST", "merkle/verify", None, 200),
        ("POST", "blocks/validate", None, 200),
        ("POST", "transactions", None, 401),
        ("POST", "transactions", "reader", 403),
        ("POST", "transactions", "user", 200),
        ("POST", "anchoring/session", None, 401),
        ("POST", "anchoring/verify/more", None, 401),
        ("POST", "merkle/build", None, 401),
        ("PUT", f"chunks/{HASH}", None, 401),
        ("PUT", f"chunks/{HASH}", "user", 200),
        ("POST", "service-discovery/services", "user", 403),
        ("POST", "service-discovery/services", "admin", 200),
        ("DELETE", f"chunks/{HASH}", "admin", 405),
        ("PUT", "chain/info", "admin", 405),
        ("GET", "nothing", None, 404),
        ("GET", "", None, 404),
    ],
)
def test_who_may_do_what(url: str, method: str, path: str, role: str | None, status: int) -> None:
    headers = bearer(role) if role else {}
    response = httpx2.request(method, f"{url}/api/v1/{path}", content=b"", headers=headers)
    assert response.status_code == status, response.text
    assert status == 200 or response.json()["error"]["service"] == "lucid-test"


def test_token_that_is_not_valid_is_401_even_for_reading(url: str) -> None:
    response = httpx2.get(f"{url}/api/v1/chain/info", headers={"Authorization": "Bearer nonsense"})
    assert error(response, 401, "LUCID_ERR_2001")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["chain/../chunks", "chain/%2e%2e/chunks", "chain//info", "chain/a%2Fb", "chain/a;b", "chain/"]
)
def test_paths_that_servers_read_differently_are_refused(url: str, path: str) -> None:
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
        client.sendall(f"GET /api/v1/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 404 ")


def test_rates(start: Any) -> None:
    clients: list[tuple[int, Callable[[int], dict[str, str]]]] = [
        (3, lambda turn: {"X-Forwarded-For": f"9.9.9.{turn}", "Forwarded": f"for=9.9.9.{turn}"}),
        (5, lambda _turn: bearer("user", "one")),
        (5, lambda _turn: bearer("reader", "one")),
        (8, lambda _turn: bearer("admin", "one")),
        (5, lambda _turn: bearer("user", "two")),
    ]
    for _attempt in range(3):
        with start(public_rate=3, token_rate=5, admin_rate=8) as url:
            ask = f"{url}/api/v1/chain/info"
            minute = time.time() // 60
            statuses = [[httpx2.get(ask, headers=of(turn)).status_code for turn in range(10)] for _, of in clients]
            response = httpx2.get(ask)
            guess = httpx2.get(ask, headers={"Authorization": "Bearer guess"})
            alive = httpx2.get(url + "/health/live")
        # The next minute gives requests back.
        if time.time() // 60 == minute:
            break
    assert statuses == [[200] * rate + [429] * (10 - rate) for rate, _ in clients]
    answer = error(response, 429, "LUCID_ERR_3001")
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert answer["details"] == {"per_minute": 3, "retry_after": int(response.headers["retry-after"])}
    # Guessing is no way around the rate, and health is never refused.
    assert (guess.status_code, alive.status_code) == (429, 200)


def test_chunks_are_streamed_both_ways(url: str) -> None:
    response = httpx2.get(f"{url}/api/v1/chunks/{HASH}")
    assert (len(response.content), response.headers["content-length"]) == (BIG, str(BIG))
    sent = httpx2.put(f"{url}/api/v1/chunks/{HASH}", content=b"x" * BIG, headers=bearer(), timeout=30)
    assert sent.json()["size"] == BIG
    pieces = (b"x" * 65536 for _turn in range(16))
    assert httpx2.put(f"{url}/api/v1/chunks/{HASH}", content=pieces, headers=bearer()).json()["size"] == 1 << 20


def test_head_has_no_body(url: str) -> None:
    response = httpx2.head(f"{url}/api/v1/chunks/{HASH}")
    assert (response.status_code, response.headers["content-length"], response.content) == (200, str(BIG), b"")


@pytest.mark.parametrize(("path", "largest"), [(f"chunks/{HASH}", BIG), ("transactions", 1 << 20)])
@pytest.mark.parametrize("declared", [True, False])
def test_bodies_beyond_the_bound(url: str, path: str, largest: int, *, declared: bool) -> None:
    content = b"x" * (largest + 1)
    pieces = (content[at : at + 65536] for at in range(0, len(content), 65536))
    method = "PUT" if path.startswith("chunks") else "POST"
    with suppress(httpx2.WriteError):
        response = httpx2.request(
            method, f"{url}/api/v1/{path}", content=content if declared else pieces, headers=bearer()
        )
        error(response, 413, "LUCID_ERR_1003")


def test_document_has_every_area(url: str) -> None:
    paths = json.loads(httpx2.get(url + "/openapi.json").text)["paths"]
    areas = {"chain", "transactions", "consensus", "blocks", "anchoring", "chunks", "merkle", "service-discovery"}
    assert {f"/api/v1/{area}/{{rest}}" for area in areas} <= set(paths)
    assert paths["/api/v1/transactions"]["post"]["security"] == [{"token": []}]
