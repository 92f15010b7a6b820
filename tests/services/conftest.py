"""What the tests of the services share: running a service on loopback, and a server that records what it is asked.

The recording server stands in for a peer or for Consul where the service under test is the client; whether the real
Consul accepts what it is sent is shown by the validation suite, never here.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from lucid_service.api import Operation
    from lucid_service.config import Config

ROOT = Path(__file__).parents[2]
SOURCES = tuple(str(ROOT / folder) for folder in ("common", "03-api-gateway", "blockchain", "service-mesh"))
sys.path[:0] = SOURCES

# The services run on the interpreters of their images, 3.11 and 3.13, not on everything that the plugin supports.
collect_ignore_glob = ["test_*.py"] if sys.version_info < (3, 11) else []

PATIENCE = 10.0
"""Seconds until a condition that must come true counts as never."""

Answer = tuple[int, dict[str, str], bytes]


class Launch(Protocol):
    def __call__(self, operations: Sequence[Operation] = (), **changes: Any) -> AbstractContextManager[str]: ...


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {seconds} s")
        time.sleep(0.02)


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass
class Recorder:
    """An HTTP server on loopback: `requests` has (method, target, JSON body), `answer` says what it replies."""

    answer: Callable[[str, str], Answer]
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    url: str = ""

    def targets(self, method: str) -> list[str]:
        return [target for verb, target, _body in self.requests if verb == method]


@dataclass
class Consul:
    """A small Consul for tests of its clients; that the real one answers like it, the validation suite shows.

    It knows instances by service: (address, port, whether it passes). `broken` makes it fail.
    """

    instances: dict[str, list[tuple[str, int, bool]]] = field(default_factory=dict)
    broken: bool = False

    def __call__(self, method: str, target: str) -> Answer:
        parts = urlsplit(target)
        if self.broken:
            return 500, {}, b"No cluster leader"
        if method == "PUT":
            return 200, {}, b""
        if parts.path.startswith("/v1/agent/service/"):
            return 404, {}, b""
        if parts.path == "/v1/status/leader":
            return self.json("172.20.0.2:8300")
        if parts.path == "/v1/catalog/services":
            return self.json({"consul": [], **{name: [] for name in self.instances}})
        name = parts.path.removeprefix("/v1/health/service/")
        found = self.instances.get(name, [])
        return self.json([self.entry(name, *one) for one in found if one[2] or parts.query != "passing"])

    def entry(self, name: str, address: str, port: int, passing: bool) -> dict[str, Any]:  # noqa: FBT001
        status = "passing" if passing else "critical"
        return {
            "Node": {"Node": "one", "Address": "127.0.0.1"},
            "Service": {
                "ID": name,
                "Service": name,
                "Address": address,
                "Port": port,
                "Tags": ["lucid"],
                "Meta": {"version": "1.2.3"},
            },
            "Checks": [{"CheckID": "serfHealth", "Status": "passing"}, {"CheckID": name, "Status": status}],
        }

    def json(self, body: Any) -> Answer:
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


@contextmanager
def recording(recorder: Recorder, port: int = 0) -> Iterator[Recorder]:
    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            recorder.requests.append((self.command, self.path, json.loads(body) if body else None))
            status, headers, content = recorder.answer(self.command, self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = _reply  # noqa: N815  the names that the base class looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that the base class gives
            pass

    class Server(ThreadingHTTPServer):
        # A client that gave up is what some tests are about.
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Server(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    recorder.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield recorder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(config: Config, operations: Sequence[Operation], **parts: Any) -> Iterator[str]:
    from lucid_service.app import create_app  # noqa: PLC0415  found through the path set above
    from lucid_service.server import serve  # noqa: PLC0415  likewise

    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve(create_app(config, operations, **parts), config, stopping))
        except BaseException as error:  # noqa: BLE001  handed to the test's own thread, which raises it
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: failures or accepts(config.port))
        yield f"http://127.0.0.1:{config.port}"
    finally:
        if not failures:
            loop.call_soon_threadsafe(stopping.set)
        thread.join()
    if failures:
        raise failures[0]


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def launching(operations: Sequence[Operation] = (), **changes: Any) -> AbstractContextManager[str]:
    from lucid_service.config import Config  # noqa: PLC0415  found through the path set above

    # Nothing listens there, so that a Consul that is down is the normal case of these tests.
    nowhere = f"http://127.0.0.1:{find_port()}"
    config = Config("lucid-test", "1.2.3", find_port(), "INFO", nowhere, host="127.0.0.1")
    parts = {name: changes.pop(name) for name in ("routes", "settings", "provide", "condition") if name in changes}
    return serving(replace(config, **changes), operations, **parts)


@pytest.fixture
def free_port() -> Callable[[], int]:
    return find_port


@pytest.fixture
def launch() -> Launch:
    """Run a service named lucid-test; `changes` are parts of its application, or fields of its Config."""
    return launching


@pytest.fixture(scope="module")
def module_launch() -> Launch:
    """Run one for all tests of a module, as `launch` does."""
    return launching


@pytest.fixture
def record() -> Callable[..., AbstractContextManager[Recorder]]:
    def start(answer: Callable[[str, str], Answer], port: int = 0) -> AbstractContextManager[Recorder]:
        return recording(Recorder(answer), port)

    return start


@pytest.fixture
def consul_of() -> Callable[[dict[str, list[tuple[str, int, bool]]]], Consul]:
    """Return a Consul that knows instances by service; it is served by `record`."""
    return Consul


@pytest.fixture
def eventually() -> Callable[..., None]:
    return until


@pytest.fixture
def sources() -> tuple[str, ...]:
    return SOURCES


@pytest.fixture
def root() -> Path:
    return ROOT
