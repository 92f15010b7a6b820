"""What the watcher knows, over HTTP: `/healthz` for probes, `/metrics` for Prometheus, `/` for people."""

from __future__ import annotations

import json
import socket
import time
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError
from pytest_lucid.report import prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_lucid.watch.status import Status

TEXT, JSON, HTML = "text/plain; version=0.0.4; charset=utf-8", "application/json", "text/html; charset=utf-8"
# A client that sends nothing is not waited for.
READ_SECONDS = 10


def read_address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT`, `[::1]:PORT` too; raises ConfigError for anything else."""
    host, _, port = text.rpartition(":")
    if not (host and port.isdecimal() and int(port) < 1 << 16):
        raise ConfigError(f"--listen={text}: expected an address and a port, such as 127.0.0.1:9188")
    return host.removeprefix("[").removesuffix("]"), int(port)


@contextmanager
def serving(status: Callable[[], Status], address: tuple[str, int]) -> Iterator[int]:
    """Serve the newest status in threads for a while; yields the port, which the system chose where 0 was asked for.

    Raises ConfigError where nothing can listen at `address`.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = READ_SECONDS
        server_version, sys_version = "lucid-watch", ""

        def do_GET(self) -> None:
            code, kind, body = answer(status(), self.path.partition("?")[0])
            content = body.encode()
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
            """Log nothing: standard output is for changes."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        daemon_threads = True

    try:
        server = Server(address, Handler)
    except OSError as error:
        place = f"{address[0]}:{address[1]}"
        raise ConfigError(f"--listen={place}: cannot listen there: {error.strerror}; choose another port") from error
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(status: Status, path: str) -> tuple[HTTPStatus, str, str]:
    """The status code, content type and body for one path."""
    now = time.time()
    if path == "/healthz":
        code = HTTPStatus.OK if status.is_healthy(now) else HTTPStatus.SERVICE_UNAVAILABLE
        return code, JSON, json.dumps(_health(status, now)) + "\n"
    if path == "/metrics":
        return HTTPStatus.OK, TEXT, _metrics(status, now)
    if path == "/":
        if status.page:
            return HTTPStatus.OK, HTML, status.page
        return HTTPStatus.SERVICE_UNAVAILABLE, TEXT, status.problem or "the first round is not over yet\n"
    return HTTPStatus.NOT_FOUND, TEXT, "there are /, /healthz and /metrics\n"


def _health(status: Status, now: float) -> dict[str, object]:
    red = [cell.name for cell in status.cells.values() if cell.outcome.is_red]
    return {
        "status": "healthy" if status.is_healthy(now) else "unhealthy",
        "red": sorted(red),
        "flapping": [status.cells[key].name for key in status.history.flapping],
        "problem": status.problem,
        "age_seconds": None if status.ended is None else round(now - status.ended, 1),
        "rounds": status.rounds,
    }


def _metrics(status: Status, now: float) -> str:
    none: dict[str, str] = {}
    problem = [(none, int(bool(status.problem)))]
    families = [
        prometheus.gauge("lucid_watch_rounds", "How many whole rounds the watcher made.", [(none, status.rounds)]),
        prometheus.gauge("lucid_watch_problem", "1 where the last round could not be made.", problem),
    ]
    if status.ended is not None:
        age = [(none, now - status.ended)]
        families.append(prometheus.gauge("lucid_watch_age_seconds", "How long ago the last whole round ended.", age))
    if status.report is not None:
        families += prometheus.families(status.report, tuple(status.cells.values()))
    flapping = [({"check": key[0], "service": key[1], "host": key[2]}, 1) for key in status.history.flapping]
    families.append(prometheus.gauge("lucid_cell_flapping", "1 for a cell that changes too often.", flapping))
    return prometheus.text(families)
