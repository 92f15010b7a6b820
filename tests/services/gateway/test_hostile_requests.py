"""Requests that are made to break the gateway, or to have it believe that a service is broken."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from gateway_facts import DATA, ENGINE, HASH, SERVICES, error
from lucid_api_gateway import gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

VERIFY = b"POST /api/v1/merkle/verify HTTP/1.1\r\nHost: x\r\n"
"""It computes only, so nobody needs a token for it."""
MOST = 4
CLOSED = {"state": "closed", "failures": 0}


def exchange(url: str, sent: bytes) -> tuple[int, Any]:
    """Return status and JSON of the answer to what is sent as it is."""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as client:
        client.sendall(sent)
        received = b""
        while piece := client.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def circuits(url: str) -> dict[str, Any]:
    actual: dict[str, Any] = httpx2.get(url + "/health/circuits").json()["circuits"]
    return actual


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /api/v1/blocks?a=#b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
        (b"GET /api/v1/blocks?" + b'%zz&\\^`{|}"<>' * 9 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
        (b"GET /api/v1/blocks HTTP/1.1\r\nHost: x\r\nAccept: \xff\r\nConnection: close\r\n\r\n", 200),
        (b"GET /api/v1/blocks HTTP/1.1\r\nHost: x\r\nRange: \xe2\x82\xac\r\nConnection: close\r\n\r\n", 200),
        (b"GET /api/v1/blocks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\nConnection: close\r\n\r\n", 401),
        (VERIFY + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 400),
        (VERIFY + b"Content-Type: \xff\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", 200),
    ],
)
def test_odd_requests_are_answered_and_accuse_no_service(url: str, sent: bytes, status: int) -> None:
    for _turn in range(6):
        actual, body = exchange(url, sent)
        assert actual == status, body
        assert "error" in body or status == 200
    assert circuits(url) == dict.fromkeys(SERVICES, CLOSED)


def test_trace_state_of_a_client_breaks_no_call(url: str) -> None:
    parent = b"traceparent: 00-" + b"ab" * 16 + b"-" + b"cd" * 8 + b"-01\r\n"
    for state in (b"\xff", b"a=\xe2\x82\xac", b"a=1\t", b"x" * 600):
        head = b"GET /api/v1/blocks HTTP/1.1\r\nHost: x\r\n" + parent + b"tracestate: " + state + b"\r\n"
        status, body = exchange(url, head + b"Connection: close\r\n\r\n")
        assert status == 200, body
        assert body["headers"]["traceparent"].split("-")[1] == "ab" * 16


def test_body_that_a_service_does_not_want_accuses_no_service(url: str, consul: Any) -> None:
    """Whoever may send too much without a token could otherwise close a service to everybody."""

    def refuse(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _address = server.accept()
                with connection:
                    connection.recv(1000)
                    body = json.dumps(
                        {"error": dict.fromkeys(FIELDS, "x") | {"code": "LUCID_ERR_1003", "details": {}}}
                    ).encode()
                    connection.sendall(
                        b"HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
                    )
                    connection.sendall(body)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass

    with serving(refuse) as port:
        consul.instances[DATA] = [("127.0.0.1", port, True)]
        for _turn in range(6):
            answer = httpx2.post(f"{url}/api/v1/merkle/verify", content=b"x" * (4 << 20))
            assert answer.status_code == 413, answer.text
    assert circuits(url)[DATA] == CLOSED


FIELDS = ("message", "request_id", "timestamp", "service", "version")


def test_service_that_hangs_takes_no_connection_from_the_others(
    start: Any, consul: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many requests wait for it as there are connections, and another service answers all the same."""
    monkeypatch.setattr(gateway, "MOST_CALLS", MOST)
    accepted = threading.Semaphore(0)
    ended = threading.Event()

    def hang(server: socket.socket) -> None:
        with ExitStack() as kept:
            with suppress(OSError):
                while True:
                    kept.enter_context(server.accept()[0])
                    accepted.release()
            ended.wait()

    with start() as url, serving(hang) as port, ExitStack() as asking:
        consul.instances[ENGINE] = [("127.0.0.1", port, True)]
        for _number in range(MOST):
            client = asking.enter_context(socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))))
            client.sendall(b"GET /api/v1/chain/info HTTP/1.1\r\nHost: x\r\n\r\n")
            assert accepted.acquire(timeout=20)
        answer = httpx2.get(f"{url}/api/v1/chain/info", timeout=20)
        assert "as many requests as it may" in error(answer, 503, "LUCID_ERR_5003")["message"]
        assert answer.headers["retry-after"]
        assert httpx2.get(f"{url}/api/v1/blocks/latest").status_code == 200
        assert circuits(url) == dict.fromkeys(SERVICES, CLOSED)
        ended.set()


@pytest.mark.parametrize("address", ["", "a b", "x" * 70, "\x00", "a/b", "é" * 40, "::", "[", "h#", "u@h"])
def test_address_that_is_none_is_the_fault_of_nobody_else(url: str, consul: Any, address: str) -> None:
    consul.instances[ENGINE] = [(address, 1, True)]
    answer = httpx2.get(f"{url}/api/v1/chain/info", timeout=20)
    assert answer.status_code in {502, 503, 504}, answer.text
    assert answer.json()["error"]["code"].startswith("LUCID_ERR_5")
    assert httpx2.get(f"{url}/api/v1/blocks/latest").status_code == 200


def test_header_of_a_service_that_is_no_latin_is_passed_on_or_refused(url: str, consul: Any) -> None:
    def answer(server: socket.socket) -> None:
        with suppress(OSError):
            connection, _address = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nETag: \xe2\x82\xac\r\nContent-Length: 2\r\n\r\n{}")

    with serving(answer) as port:
        consul.instances[ENGINE] = [("127.0.0.1", port, True)]
        assert httpx2.get(f"{url}/api/v1/chain/info").status_code == 200


def test_names_of_chunks_are_passed_on_as_they_are(url: str) -> None:
    """What is no hash to the data chain is refused there: the gateway repairs nothing."""
    for name in (HASH.upper(), HASH[:-1], "..", "%2e%2e"):
        status, _body = exchange(
            url, b"GET /api/v1/merkle/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % name.encode()
        )
        assert status == (200 if "." not in name and "%" not in name else 404)


@contextmanager
def serving(serve: Any) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
