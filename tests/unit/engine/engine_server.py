"""A server at a Unix socket of this machine, for tests that say themselves what an engine answers there."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingUnixStreamServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INFO = {"ID": "x", "SystemTime": "2026-01-01T00:00:00.123456789Z", "DefaultRuntime": "runc", "LoggingDriver": "local"}


class EngineHandler(BaseHTTPRequestHandler):
    """Sends documents, and logs nothing."""

    def send_document(self, status: int, document: object) -> None:
        """Answer with JSON, or with no body for None."""
        self.send_body(status, b"" if document is None else json.dumps(document).encode())

    def send_body(self, status: int, body: bytes) -> None:
        """Answer with these bytes."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "engine"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        del format, args


class _Server(ThreadingUnixStreamServer):
    # Clients ask many questions at once, and a full queue refuses.
    request_queue_size = 128


@contextmanager
def served(path: Path, handler: Callable[..., EngineHandler]) -> Iterator[str]:
    """Listen at a socket; yields its URL."""
    with _Server(str(path), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown()
            thread.join()
