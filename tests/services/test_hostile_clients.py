"""Clients that send what no client should, hold on to what they got, or come in crowds: the service goes on."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from items import POST, STORE, Stored
from lucid_service import api, leaving, protocol, server
from lucid_service.api import BINARY, Operation, stream_of
from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

PIECE = b"x" * 65536
PIECES = 1024
"""More than the buffers of two sockets take."""
LARGEST = 1024


async def put(request: Request) -> Stored:
    return Stored(sum([len(piece) async for piece in stream_of(request, LARGEST)]))


async def get(_request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _turn in range(PIECES):
            yield PIECE

    return StreamingResponse(pieces(), media_type=BINARY.type)


OPERATIONS = (
    STORE,
    Operation("PUT", "/large", put, "Count", {200: Stored}, body=BINARY),
    Operation("GET", "/large", get, "Much", {200: BINARY}),
)
JSON = b'{"height": 3}'


@pytest.fixture
def address(launch: Any) -> Iterator[tuple[str, int]]:
    with launch(OPERATIONS) as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])


def exchange(address: tuple[str, int], sent: bytes) -> bytes:
    """Send, and return everything that comes until the connection is closed."""
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(sent)
        received = b""
        while piece := client.recv(65536):
            received += piece
    return received


def is_alive(address: tuple[str, int]) -> bool:
    return httpx2.get(f"http://127.0.0.1:{address[1]}/health/live").is_success


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 13\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 13\r\n",
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_body_of_two_lengths_is_refused_with_what_follows(address: tuple[str, int], framing: bytes) -> None:
    """A request that two servers delimit differently smuggles another one past the first of them."""
    hidden = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = exchange(address, POST + framing + b"\r\nd\r\n" + JSON + b"\r\n0\r\n\r\n" + hidden)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["code"] == "LUCID_ERR_1001"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /health/live HTTP/1.0\r\n\r\n", 200),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"GET http://elsewhere/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"ABSURD /items HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
        (b"GET /health/live HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n", 200),
        (POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", 400),
        (POST + b"Content-Length: 99999999999999999999\r\n\r\n", 413),
        (POST + b"Content-Length: 0x10\r\n\r\n", 400),
        (POST + b"Content-Length: +13\r\n\r\n" + JSON, 400),
        (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n", 501),
        (POST + b"Expect: 100-continue\r\nContent-Length: 9999999\r\n\r\n", 413),
        (POST + b"Content-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", 415),
        (POST + b"Content-Length: 40\r\nConnection: close\r\n\r\n" + b"[" * 40, 400),
    ],
)
def test_what_no_client_should_send(address: tuple[str, int], sent: bytes, status: int) -> None:
    head, _, body = exchange(address, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), head
    assert "error" in json.loads(body) or status == 200
    assert is_alive(address)


def test_client_that_waits_for_permission_gets_it(address: tuple[str, int]) -> None:
    head = POST + b"Expect: 100-continue\r\nContent-Length: 13\r\nConnection: close\r\n\r\n"
    with socket.create_connection(address, timeout=5) as client:
        client.sendall(head)
        assert client.recv(4096).startswith(b"HTTP/1.1 100 ")
        client.sendall(JSON)
        assert client.recv(4096).startswith(b"HTTP/1.1 202 ")


def test_body_that_is_shorter_than_it_says_is_given_up(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lucid_service.api.PATIENCE", 0.3)
    assert exchange(address, POST + b"Content-Length: 100\r\n\r\n" + JSON).startswith(b"HTTP/1.1 408 ")


def test_body_that_goes_on_after_the_answer_is_not_read_for_ever(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.5)
    deadline = time.monotonic() + 10
    with socket.create_connection(address, timeout=5) as client:
        client.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 404 ")
        while accepts(client, b"1\r\nx\r\n"):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_body_beyond_the_bound_is_answered_before_the_connection_ends(address: tuple[str, int]) -> None:
    """An answer that is cut off by a reset is none: a proxy before the service would call the service broken."""
    for _turn in range(20):
        body = b"x" * (LARGEST * 1024)
        head = b"PUT /large HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert exchange(address, head + body).startswith(b"HTTP/1.1 413 ")


def test_bodies_that_come_at_a_time_are_bounded_together(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    monkeypatch.setattr(api, "MOST_JSON", 100)
    url = f"http://127.0.0.1:{address[1]}/items"
    with socket.create_connection(address, timeout=5) as slow:
        slow.sendall(POST + b"Content-Length: 200\r\n\r\n" + b" " * 95)
        eventually(lambda: httpx2.post(url, content=JSON).status_code == 503)
        answer = httpx2.post(url, content=JSON)
        assert answer.json()["error"]["code"] == "LUCID_ERR_5003"
        assert answer.headers["retry-after"]
    eventually(lambda: httpx2.post(url, content=JSON).status_code == 202)


def test_client_that_reads_nothing_is_let_go(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    monkeypatch.setattr(leaving, "STALLED", 0.5)
    with socket.create_connection(address, timeout=5) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually(lambda: not accepts(client, b"x"))


def test_client_that_reads_slowly_gets_everything(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "STALLED", 1.0)
    received = 0
    with socket.create_connection(address, timeout=5) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while piece := client.recv(4 << 20):
            if received < 40 << 20:
                time.sleep(0.05)
            received += len(piece)
    assert received >= len(PIECE) * PIECES


def test_crowd_of_idle_connections_is_bounded_and_leaves_room_afterwards(
    launch: Any, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 50)
    with launch(OPERATIONS) as url, ExitStack() as crowd:
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        clients = [crowd.enter_context(socket.create_connection(address, timeout=5)) for _number in range(80)]

        def closed() -> int:
            return sum(map(is_closed, clients))

        eventually(lambda: closed() >= 30)
        assert closed() <= 31
        for client in clients:
            client.close()
        eventually(lambda: httpx2.get(url + "/health/live").is_success)


def accepts(client: socket.socket, piece: bytes) -> bool:
    # A client that only writes learns of the end by writing: reset or broken, as the kernel likes.
    try:
        client.sendall(piece)
    except OSError:
        return False
    return True


def is_closed(client: socket.socket) -> bool:
    client.setblocking(False)  # noqa: FBT003  the only way to say it
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
