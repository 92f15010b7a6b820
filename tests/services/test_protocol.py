"""What the server underneath refuses has Lucid's error format too."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from items import POST, STORE
from lucid_service import protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def address(launch: Any) -> Iterator[tuple[str, int]]:
    with launch((STORE,)) as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])


def exchange(address: tuple[str, int], sent: bytes) -> bytes:
    with socket.create_connection(address) as client:
        client.settimeout(5)
        client.sendall(sent)
        received = b""
        while piece := client.recv(65536):
            received += piece
    return received


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "LUCID_ERR_1001"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400, "LUCID_ERR_1001"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "LUCID_ERR_1001"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "LUCID_ERR_1001"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n", 400, "LUCID_ERR_1001"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400, "LUCID_ERR_1001"),
        (POST + b"Content-Length: -1\r\n\r\n", 400, "LUCID_ERR_1001"),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "LUCID_ERR_1001"),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501, "LUCID_ERR_5000"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "LUCID_ERR_1001"),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, "LUCID_ERR_1005"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431, "LUCID_ERR_1005"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n", 431, "LUCID_ERR_1005"),
    ],
)
def test_refusals_of_the_server(address: tuple[str, int], sent: bytes, status: int, code: str) -> None:
    head, _, body = exchange(address, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    error = json.loads(body)["error"]
    assert (error["code"], error["service"], error["version"]) == (code, "lucid-test", "1.2.3")
    assert f"x-request-id: {error['request_id']}".encode() in head.lower()
    assert error["message"]
    assert error["timestamp"]


def test_half_a_head_is_answered_and_silence_is_closed(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.3)
    started = time.monotonic()
    assert exchange(address, b"GET / HTTP/1.1\r\nHos").startswith(b"HTTP/1.1 408 ")
    assert exchange(address, b"") == b""
    assert time.monotonic() - started < 3


def test_a_head_that_drips_is_given_up(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.5)
    with socket.create_connection(address) as client:
        client.settimeout(0.1)
        started = time.monotonic()
        received = b""
        client.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        while not received and time.monotonic() - started < 5:
            client.sendall(b"x")
            try:
                received = client.recv(4096)
            except TimeoutError:
                continue
    assert received.startswith(b"HTTP/1.1 408 ")


def test_slow_requests_on_one_connection_are_served(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.5)
    with socket.create_connection(address) as client:
        for _turn in range(2):
            for part in (POST, b"Content-Length: 13\r\n\r\n", b'{"height"', b": 3}"):
                client.sendall(part)
                time.sleep(0.2)  # Slower than the patience in sum, quicker up to the end of the head.
            assert client.recv(4096).startswith(b"HTTP/1.1 202 ")
