"""The gateway: where requests go, who may make them, how often, and what comes back."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest
from lucid_api_gateway.directory import Directory
from lucid_api_gateway.handlers import OPERATIONS, Gateway
from lucid_api_gateway.rates import Rates
from lucid_api_gateway.settings import Settings
from lucid_service.api import BINARY, Operation, stream_of
from lucid_service.client import PeerClient
from lucid_service.config import Peer
from lucid_service.errors import ApiError
from lucid_service.models import Input, Output
from lucid_service.tokens import Tokens
from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from lucid_service.app import Context
    from starlette.requests import Request
    from starlette.responses import Response

ENGINE, DATA = "lucid-blockchain-engine", "lucid-data-chain"
SERVICES = (ENGINE, DATA, "lucid-block-manager", "lucid-session-anchoring", "lucid-service-mesh-controller")
SECRET = "made-up-" * 10
HASH = "ab" * 32
BIG = 16 << 20


def bearer(role: str = "user", subject: str = "test") -> dict[str, str]:
    claims = {"sub": subject, "role": role, "exp": int(time.time()) + 3600}
    return {"Authorization": "Bearer " + jwt.encode(claims, SECRET, algorithm="HS256")}


class Seen(Output, frozen=True):
    service: str
    method: str
    target: str
    headers: dict[str, str]
    size: int = 0


class Rest(Input, frozen=True):
    rest: str


async def echo(request: Request, path: Rest) -> Seen:  # noqa: ARG001  part of the target
    target = request.scope["raw_path"].decode() + "?" + request.scope["query_string"].decode()
    size = sum([len(piece) async for piece in stream_of(request, 2 * BIG)])
    return Seen(request.app.state.config.service, request.method, target, dict(request.headers), size)


async def big(_request: Request, path: Rest) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _turn in range(BIG // 65536):
            yield b"x" * 65536

    if path.rest == "broken":
        raise ApiError(500, "It is broken.")
    return StreamingResponse(pieces(), media_type=BINARY.type, headers={"Content-Length": str(BIG)})


UPSTREAM = (
    Operation("GET", "/api/v1/chunks/{rest:path}", big, "Big", {200: BINARY}, path=Rest),
    *(
        Operation(method, "/api/v1/{rest:path}", echo, "Echo", {200: Seen}, path=Rest)
        for method in ("GET", "POST", "PUT")
    ),
)


@asynccontextmanager
async def provide(context: Context) -> AsyncIterator[Gateway]:
    directory = Directory(context.client, context.config.discovery_url, context.config.peers)
    async with PeerClient(keep=True) as client:
        rates = Rates(context.settings)
        yield Gateway(Tokens(context.settings.secret), rates, directory, context.circuits, client)


@pytest.fixture(scope="module")
def upstream(module_launch: Any) -> Iterator[int]:
    with module_launch(UPSTREAM, service=DATA) as url:
        yield int(url.rpartition(":")[2])


@pytest.fixture
def consul(consul_of: Any, upstream: int) -> Any:
    return consul_of({name: [("127.0.0.1", upstream, True)] for name in SERVICES})


@pytest.fixture
def start(launch: Any, record: Any, consul: Any, free_port: Callable[[], int]) -> Iterator[Callable[..., Any]]:
    peers = tuple(Peer(name, f"http://127.0.0.1:{free_port()}") for name in SERVICES)

    def gateway(**rates: int) -> Any:
        return launch(
            OPERATIONS, discovery_url=recorder.url, peers=peers, provide=provide, settings=Settings(SECRET, **rates)
        )

    with record(consul) as recorder:
        yield gateway


@pytest.fixture
def url(start: Any) -> Iterator[str]:
    with start() as url:
        yield url


def error(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    told: dict[str, Any] = response.json()["error"]
    assert told["code"] == code
    return told


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
    with start(public_rate=3, token_rate=5, admin_rate=8) as url:
        ask = f"{url}/api/v1/chain/info"

        def allowed(headers: Callable[[int], dict[str, str]]) -> int:
            statuses = [httpx2.get(ask, headers=headers(turn)).status_code for turn in range(10)]
            assert set(statuses[: statuses.index(429)]) == {200}
            assert set(statuses[statuses.index(429) :]) == {429}
            return statuses.index(429)

        assert allowed(lambda turn: {"X-Forwarded-For": f"9.9.9.{turn}", "Forwarded": f"for=9.9.9.{turn}"}) == 3
        assert allowed(lambda _turn: bearer("user", "one")) == 5
        assert allowed(lambda _turn: bearer("reader", "one")) == 5
        assert allowed(lambda _turn: bearer("admin", "one")) == 8
        assert allowed(lambda _turn: bearer("user", "two")) == 5
        response = httpx2.get(ask)
        told = error(response, 429, "LUCID_ERR_3001")
        assert 1 <= int(response.headers["retry-after"]) <= 60
        assert told["details"] == {"per_minute": 3, "retry_after": int(response.headers["retry-after"])}
        # Guessing is no way around it, and health is never refused.
        assert httpx2.get(ask, headers={"Authorization": "Bearer guess"}).status_code == 429
        assert httpx2.get(url + "/health/live").status_code == 200


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


def test_error_of_a_service_is_passed_on(url: str) -> None:
    told = error(httpx2.get(f"{url}/api/v1/chunks/broken"), 500, "LUCID_ERR_5001")
    assert told["service"] == DATA


def test_service_without_a_healthy_instance(url: str, consul: Any) -> None:
    consul.instances[ENGINE] = [("127.0.0.1", 1, False)]
    response = httpx2.get(f"{url}/api/v1/chain/info")
    assert error(response, 503, "LUCID_ERR_5003")["details"] == {"service": ENGINE}
    assert response.headers["retry-after"]
    assert httpx2.get(f"{url}/api/v1/blocks/latest").status_code == 200


def test_instance_that_moves_is_followed(start: Any, consul: Any, launch: Any, eventually: Any) -> None:
    with start() as url, launch(UPSTREAM, service="lucid-moved") as moved:
        assert httpx2.get(f"{url}/api/v1/chain/info").json()["service"] == DATA
        consul.instances[ENGINE] = [("127.0.0.1", int(moved.rpartition(":")[2]), True)]
        eventually(lambda: httpx2.get(f"{url}/api/v1/chain/info").json()["service"] == "lucid-moved", 10)


def test_consul_that_is_down_is_no_reason_to_forget(url: str, consul: Any) -> None:
    assert httpx2.get(f"{url}/api/v1/chain/info").status_code == 200
    consul.broken = True
    time.sleep(3.1)  # The last answer of Consul is no longer fresh.
    assert httpx2.get(f"{url}/api/v1/chain/info").status_code == 200


def test_circuit_opens_after_five_failures_and_others_go_on(url: str, consul: Any, free_port: Any) -> None:
    consul.instances[ENGINE] = [("127.0.0.1", free_port(), True)]
    for _turn in range(5):
        error(httpx2.get(f"{url}/api/v1/chain/info"), 502, "LUCID_ERR_5002")
    response = httpx2.get(f"{url}/api/v1/chain/info")
    error(response, 503, "LUCID_ERR_5003")
    assert 1 <= int(response.headers["retry-after"]) <= 30
    assert httpx2.get(f"{url}/api/v1/blocks/latest").status_code == 200
    circuits = httpx2.get(url + "/health/circuits").json()["circuits"]
    assert circuits[ENGINE] == {"state": "open", "failures": 5}
    assert circuits["lucid-block-manager"] == {"state": "closed", "failures": 0}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", 502),
        (b"nonsense\r\n\r\n", 502),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 502),
        (b"HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\n<html>", 502),
        (b"HTTP/1.1 404 No\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70000, 502),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"Content-Length: 0\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 502),
    ],
)
def test_service_that_misbehaves(url: str, consul: Any, answer: bytes, status: int) -> None:
    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _address = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        consul.instances[ENGINE] = [("127.0.0.1", server.getsockname()[1], True)]
        error(httpx2.get(f"{url}/api/v1/chain/info"), status, "LUCID_ERR_5002")
        assert httpx2.get(f"{url}/api/v1/blocks/latest").status_code == 200
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_service_that_breaks_off_in_the_middle_ends_the_connection(url: str, consul: Any) -> None:
    def serve(server: socket.socket) -> None:
        connection, _address = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        consul.instances[ENGINE] = [("127.0.0.1", server.getsockname()[1], True)]
        with pytest.raises(httpx2.RemoteProtocolError):
            httpx2.get(f"{url}/api/v1/chain/info")
        thread.join()
    assert httpx2.get(url + "/health/circuits").json()["circuits"][ENGINE]["failures"] == 1


def test_service_that_started_anew_is_asked_over_a_new_connection(
    url: str, consul: Any, free_port: Any, launch: Any
) -> None:
    port = free_port()
    consul.instances[ENGINE] = [("127.0.0.1", port, True)]
    for _turn in range(2):
        with launch(UPSTREAM, port=port):
            assert httpx2.get(f"{url}/api/v1/chain/info").status_code == 200


def test_document_has_every_area(url: str) -> None:
    paths = json.loads(httpx2.get(url + "/openapi.json").text)["paths"]
    areas = {"chain", "transactions", "consensus", "blocks", "anchoring", "chunks", "merkle", "service-discovery"}
    assert {f"/api/v1/{area}/{{rest}}" for area in areas} <= set(paths)
    assert paths["/api/v1/transactions"]["post"]["security"] == [{"token": []}]
