"""No peer is trusted: whatever it answers, a call ends in time, and little of the answer is read."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from lucid_service.client import Answer, PeerClient, PeerError
from lucid_service.config import Peer
from lucid_service.models import Live

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINE = "lucid-blockchain-engine"
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
ALIVE = {"status": "alive", "service": ENGINE, "version": "1", "timestamp": "now"}
# What the buffers of two sockets take before the writer notices that nobody reads.
BUFFERS = 16 << 20


class Flood:
    """A peer that sends `head`, then `piece` again and again until the client goes; `sent` counts the bytes."""

    def __init__(self, head: bytes, piece: bytes) -> None:
        self._head, self._piece = head, piece
        self.sent = 0
        self.url = ""

    def serve(self, server: socket.socket) -> None:
        with suppress(OSError):
            connection, _address = server.accept()
            with connection:
                connection.settimeout(10)
                connection.recv(4096)
                connection.sendall(self._head)
                while self._piece and self.sent < 10 * BUFFERS:
                    connection.sendall(self._piece)
                    self.sent += len(self._piece)


@contextmanager
def flooding(head: bytes, piece: bytes = b"") -> Iterator[Flood]:
    peer = Flood(head, piece)
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        thread = threading.Thread(target=peer.serve, args=(server,))
        thread.start()
        yield peer
        server.close()
        thread.join()


def ask(url: str, **bounds: Any) -> Answer:
    async def once() -> Answer:
        async with PeerClient() as client:
            return await client.ask("GET", url, **{"seconds": 2, **bounds})

    return asyncio.run(once())


def complaint(head: bytes, piece: bytes = b"", **bounds: Any) -> str:
    with flooding(head, piece) as peer, pytest.raises(PeerError) as caught:
        ask(peer.url, **bounds)
    assert peer.sent <= BUFFERS
    return str(caught.value)


def test_endless_health_of_a_dependency_degrades_and_is_not_read(launch: Any) -> None:
    """It made the gateway read until the kernel killed it."""
    with flooding(HEAD + b"\r\n", b"x" * 65536) as peer, launch(peers=(Peer(ENGINE, peer.url),)) as url:
        body = httpx2.get(url + "/health").json()
    assert (body["status"], body["dependencies"]) == ("degraded", {ENGINE: "unhealthy"})
    assert peer.sent <= BUFFERS


def test_body_beyond_the_bound() -> None:
    assert complaint(HEAD + b"\r\n", b"x" * 65536, largest=1000).endswith("the body has more than 1000 bytes")


def test_body_that_lies_about_its_length() -> None:
    assert "more than 10 bytes" in complaint(HEAD + b"Content-Length: 11\r\n\r\n" + b"x" * 11, largest=10)
    assert "ProtocolError" in complaint(HEAD + b"Content-Length: 11\r\n\r\nshort")


def test_body_at_the_bound_is_read() -> None:
    with flooding(HEAD + b"Content-Length: 10\r\n\r\n" + b"x" * 10) as peer:
        answer = ask(peer.url, largest=10)
    assert (answer.status, answer.content, answer.local) == (200, b"x" * 10, "127.0.0.1")


def test_endless_headers() -> None:
    assert "ProtocolError" in complaint(HEAD, b"X-One: " + b"x" * 1000 + b"\r\n")


def test_endless_informational_answers_end_with_the_deadline() -> None:
    started = time.monotonic()
    assert "within 0.5 s" in complaint(b"", b"HTTP/1.1 100 Continue\r\n\r\n", seconds=0.5)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "headers", [b"".join(b"X-%d: 1\r\n" % number for number in range(101)), b"X-Long: " + b"x" * 16384 + b"\r\n"]
)
def test_headers_beyond_the_bounds(headers: bytes) -> None:
    assert "headers" in complaint(HEAD + headers + b"Content-Length: 0\r\n\r\n")


def test_encoded_body_is_refused_unread() -> None:
    assert "encoded" in complaint(HEAD + b"Content-Encoding: gzip\r\n\r\n", b"\x1f\x8b" * 32768)


def test_redirect_is_not_followed() -> None:
    with flooding(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n") as peer:
        assert ask(peer.url).status == 302


def test_nobody_there(free_port: Any) -> None:
    with pytest.raises(PeerError, match="ConnectError"):
        ask(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"status": 1}',
        b"\xff",
        b'"\\ud800"',
        b"NaN",
        b"[" * 100_000,
        b'{"status":' * 100_000,
        json.dumps({**ALIVE, "more": None}).encode().replace(b"null", b"[" * 33 + b"]" * 33),
    ],
)
def test_json_that_is_none_or_too_deep(content: bytes) -> None:
    with pytest.raises(PeerError, match="not as expected"):
        Answer(200, {}, content, "").json(Live)


def test_json_of_the_expected_shape_with_more_fields() -> None:
    more = {**ALIVE, "more": '[[[["' * 50}
    assert Answer(200, {}, json.dumps(more).encode(), "").json(Live).service == ENGINE


def test_request_id_and_trace_go_on_to_the_peer(launch: Any) -> None:
    seen: list[bytes] = []

    def serve(server: socket.socket) -> None:
        connection, _address = server.accept()
        with connection:
            seen.append(connection.recv(4096))
            content = json.dumps(ALIVE).encode()
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(content) + content)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        with launch(peers=(Peer(ENGINE, f"http://127.0.0.1:{server.getsockname()[1]}"),)) as url:
            trace = "0af7651916cd43dd8448eb211c80319c"
            headers = {"X-Request-ID": "abc-1", "traceparent": f"00-{trace}-b7ad6b7169203331-01", "tracestate": "a=1"}
            assert httpx2.get(url + "/health", headers=headers).json()["status"] == "healthy"
        thread.join()
    sent = dict(line.split(b": ", 1) for line in seen[0].split(b"\r\n\r\n")[0].split(b"\r\n")[1:])
    assert sent[b"X-Request-ID"] == b"abc-1"
    version, same, parent, flags = sent[b"traceparent"].decode().split("-")
    assert (version, same, flags, len(parent)) == ("00", trace, "01", 16)
    assert parent != "b7ad6b7169203331"
    assert sent[b"tracestate"] == b"a=1"
