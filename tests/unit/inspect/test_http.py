"""What services that mean no good may answer, over real sockets: every answer ends, and the end says why."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import trustme

from pytest_lucid.inspect.http import MAXIMUM_BYTES, Request, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = b'{"status": "healthy"}'


@contextmanager
def server(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that takes one connection and lets `answer` do with it what it likes; yields its URL."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            # The client hangs up in the middle; that is what most of these tests are about.
            with connection, suppress(OSError):
                answer(connection, over)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/health"
        finally:
            over.set()
            thread.join(30)
            assert not thread.is_alive()


def sending(*pieces: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Read the request, send these pieces, and hang up."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        del over
        connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)

    return answer


def endless(
    piece: bytes, *, first: bytes = b"", pause: float = 0.0
) -> Callable[[socket.socket, threading.Event], None]:
    """Read the request, send `first`, then `piece` again and again, until the test is over."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(first)
        while not over.wait(pause):
            connection.sendall(piece)

    return answer


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD + b"Content-Length: 21\r\n\r\n" + BODY,),
        (HEAD + b"\r\n" + BODY,),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"15\r\n" + BODY + b"\r\n0\r\n\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"\r\n" + BODY),
        (b"HTTP/1.0 200 OK\r\n\r\n", BODY[:5], BODY[5:]),
    ],
)
def test_complete_answers(pieces: tuple[bytes, ...]) -> None:
    with server(sending(*pieces)) as url:
        response = fetch(url)
    assert (response.status, response.document, response.error) == (200, {"status": "healthy"}, None)


@pytest.mark.parametrize(
    ("answer", "actual"),
    [
        (endless(b"x" * 65536, first=HEAD + b"\r\n"), "longer than 1048576 bytes"),
        (
            endless(b"10000\r\n" + b"x" * 65536 + b"\r\n", first=HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
            "longer than 1048576 bytes",
        ),
        (endless(b"x", first=HEAD + b"\r\n", pause=0.02), "not complete within 1 s"),
        (endless(b"x", first=b"HTTP/1.1 200 OK\r\nX: ", pause=0.02), "not complete within 1 s"),
        (endless(b"X: y\r\n", first=HEAD, pause=0.02), "not complete within 1 s"),
        (endless(b"X: y\r\n", first=HEAD), "more than 100 headers"),
        (endless(b"x" * 65536, first=b"HTTP/1.1 200 OK\r\nX: "), "more than 65536 bytes"),
        (endless(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.02), "not complete within 1 s"),
        (endless(b"", pause=0.02), "not complete within 1 s"),
        (sending(), "no answer"),
        (sending(b"\0\xff garbage\r\n\r\n"), "no answer"),
        (sending(HEAD + b"Content-Length: 100\r\n\r\n" + BODY), "too early"),
        (sending(HEAD + b"Content-Length: 99999999999999\r\n\r\n" + BODY), "too early"),
        (sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "no answer"),
    ],
)
def test_answers_without_end_end(answer: Callable[[socket.socket, threading.Event], None], actual: str) -> None:
    with server(answer) as url:
        # What ends by the clock is not to be waited for long; what ends by itself may take its time on a busy machine.
        response = fetch(url, request=Request(seconds=1 if "within 1 s" in actual else 60))
    assert response.status is None
    assert actual in str(response)


def test_handshake_without_end_ends() -> None:
    """The first byte of a TLS record, and then one byte after the other."""
    with server(endless(b"\x16", pause=0.02)) as url:
        response = fetch(url.replace("http:", "https:"), trustme.CA().cert_pem.bytes().decode(), Request(seconds=1))
    assert response.error is not None


@pytest.mark.parametrize(
    ("body", "actual"),
    [
        (b"[" * 200_000 + b"]" * 200_000, "recursion limit"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "recursion limit"),
        (b"healthy", "no JSON"),
        (b"", "no JSON"),
        (b'{"status": "\xff"}', "no JSON"),
    ],
)
def test_body_that_is_no_json_says_why(body: bytes, actual: str) -> None:
    with server(sending(HEAD + b"\r\n" + body)) as url:
        response = fetch(url)
    assert (response.status, response.body) == (200, None)
    assert actual in str(response)
    assert len(str(response)) < 1000


def test_largest_answer_is_read() -> None:
    body = b'"' + b"x" * (MAXIMUM_BYTES - 2) + b'"'
    with server(sending(HEAD + b"\r\n" + body)) as url:
        assert fetch(url).body == "x" * (MAXIMUM_BYTES - 2)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "refused" in str(fetch(f"http://127.0.0.1:{port}/health"))


def test_method_headers_and_body_are_sent_and_headers_come_back() -> None:
    seen = bytearray()

    def answer(connection: socket.socket, over: threading.Event) -> None:
        del over
        seen.extend(connection.recv(65536))
        connection.sendall(HEAD + b"X-Request-ID: 7\r\n\r\n" + BODY)

    with server(answer) as url:
        response = fetch(url, request=Request("PUT", {"Authorization": "Bearer x"}, b"content"))
    assert seen.startswith(b"PUT /health HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer x\r\n" in seen
    assert seen.endswith(b"Content-Length: 7\r\n\r\ncontent")
    assert (response.headers["x-request-id"], response.content) == ("7", BODY)
