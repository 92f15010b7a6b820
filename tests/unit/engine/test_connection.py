"""Reaching an engine: what is asked first is understood by every engine, and silence leaves nothing behind."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer
from typing import TYPE_CHECKING, Any

import pytest
import requests
from docker.errors import DockerException

from pytest_lucid.engine.asking import Once
from pytest_lucid.engine.connection import connect, engine_errors
from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an engine at a Unix socket")

INFO = {"ID": "x", "SystemTime": "2026-01-01T00:00:00.123456789Z", "DefaultRuntime": "runc", "LoggingDriver": "local"}
VERSION = {"Version": "29.1.0", "ApiVersion": "1.52", "MinAPIVersion": "1.44", "Arch": "arm64"}


class Docker29(BaseHTTPRequestHandler):
    """Answers as Docker 29.0 to 29.2 do: versions of the API before 1.44 are refused."""

    def do_GET(self) -> None:
        old = self.path.startswith("/v") and self.path < "/v1.44/" and self.path != "/version"
        answers: dict[str, Any] = {"/version": VERSION, "/info": INFO}
        found = (
            {"message": "client version 1.40 is too old"} if old else answers.get(self.path.removeprefix("/v1.52"), {})
        )
        body = json.dumps(found).encode()
        self.send_response(400 if old else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "engine"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        del format, args


@contextmanager
def engine(path: Path) -> Iterator[str]:
    """Let one listen at a socket; yields its URL."""
    with ThreadingUnixStreamServer(str(path), Docker29) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown()
            thread.join()


def test_an_engine_that_refuses_old_versions_of_the_api_is_reached(tmp_path: Path) -> None:
    with engine(tmp_path / "docker.sock") as url:
        found = connect(url)
        found.demand_life()
        found.close()
    assert (found.version, found.api, found.architecture) == ("29.1.0", (1, 52), "arm64")
    assert (found.defaults.logging, found.defaults.cgroups) == ("local", "1")


def test_a_socket_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    """And no socket is left open, which pytest would report."""
    with pytest.raises(EngineError, match=r"no container engine answers at .*nope \(.*No such file"):
        connect(f"unix://{tmp_path}/nope")


@pytest.mark.parametrize(
    ("raised", "about"),
    [
        (requests.ConnectionError("refused"), "the engine"),
        (requests.ReadTimeout("nothing for 60 s"), "the engine"),
        (requests.exceptions.ChunkedEncodingError("cut off"), ""),
        (DockerException("no"), ""),
    ],
)
def test_silence_of_the_engine_is_one_cause_whatever_was_asked(raised: Exception, about: str) -> None:
    with pytest.raises(EngineError, match="inspecting a: ") as caught, engine_errors("inspecting a"):
        raise raised
    assert caught.value.about == about


def test_an_answer_that_is_asked_for_again_is_about_the_same() -> None:
    def fail() -> None:
        raise EngineError("gone", about="the engine")

    once = Once()
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            once.ask("question", fail)
        assert caught.value.about == "the engine"
