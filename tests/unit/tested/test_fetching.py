"""Requests and redirects, against a server of the test; only the way through the sidecar is another one here."""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.tested import HttpAnswer, HttpRequest
from pytest_lucid.tested import fetching

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Server(BaseHTTPRequestHandler):
    """Answers with what it was asked; `/to?X` redirects to X."""

    def do_GET(self) -> None:
        path, _, target = self.path.partition("?")
        self.send_response(302 if path == "/to" else 200)
        if path == "/to":
            self.send_header("Location", target)
        self.end_headers()
        self.wfile.write(
            f"{self.path}|{self.headers['Authorization']}|{','.join(self.headers.get_all('Host', []))}".encode()
        )

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    @contextmanager
    def connected(_session: Any, port: int, seconds: float, address: str) -> Iterator[socket.socket]:
        with socket.create_connection((address, port), seconds) as connection:
            yield connection

    monkeypatch.setattr(fetching, "connected", connected)
    with HTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def fetch(url: str, *headers: tuple[str, str]) -> HttpAnswer:
    session: Any = SimpleNamespace(run=lambda _: SimpleNamespace(stdout=b"127.0.0.1 STREAM web\n"))
    return fetching.fetch(session, HttpRequest(url, headers=headers))


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("", "/"),
        ("?a=1", "/?a=1"),
        ("/a?b=c#d", "/a?b=c"),
        ("/a b/é", "/a%20b/%C3%A9"),
        ("/to?/b", "/b"),
        ("/to?c", "/c"),
    ],
)
def test_the_server_is_asked_for_what_goss_asks_for(port: int, said: str, asked: str) -> None:
    answer = fetch(f"http://web:{port}{said}")
    assert answer.body.decode() == f"{asked}|None|web:{port}"


def test_a_user_in_the_address_is_sent_as_go_sends_it(port: int) -> None:
    answer = fetch(f"http://me:p%40ss@web:{port}/")
    assert answer.body.decode().split("|")[1] == f"Basic {base64.b64encode(b'me:p@ss').decode()}"


def test_of_several_hosts_the_first_is_sent(port: int) -> None:
    answer = fetch(f"http://web:{port}/", ("Host", "shop.example"), ("host", "other.example"))
    assert answer.body.decode().split("|")[2] == "shop.example"


@pytest.mark.parametrize("target", ["http://[x", "http://web:99999/", "ftp://web/"])
def test_a_redirect_to_no_address_is_no_answer(port: int, target: str) -> None:
    with pytest.raises(OSError, match="leads to"):
        fetch(f"http://web:{port}/to?{target}")


@pytest.mark.parametrize("url", ["http://[x/", "http://web:99999/"])
def test_an_address_that_is_none_is_told_with_its_reason(url: str) -> None:
    with pytest.raises(ConfigError, match="http http://"):
        fetch(url)
