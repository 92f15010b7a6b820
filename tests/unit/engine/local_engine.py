"""An engine at a Unix socket of this machine: a few containers and images, and execs that are a shell here.

It stands in for the peer of the code under test. How real engines answer is shown by the tests in `tests/engine`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections import Counter
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from engine_server import INFO, EngineHandler, served

from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.frames import STDERR
from pytest_lucid.engine.shell_protocol import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_lucid.engine.connection import Engine

VERSION = {"Version": "29.1.0", "ApiVersion": "1.52", "MinAPIVersion": "1.44", "Arch": "amd64"}
# What the shims define in a container, as far as a session asks for it.
PRELUDE = f"""
{DEFINITIONS}
_sweep() {{ return $?; }}
_export() {{ export "$1"; }}
_target_path=$PATH
"""


def container(name: str, **changes: Any) -> dict[str, Any]:
    """A running container as an engine describes it."""
    return {
        "Id": f"{name:0<64}",
        "Name": f"/{name}",
        "State": {"Running": True, "Status": "running", "Pid": 7, "StartedAt": "2026-01-01T00:00:00Z"},
        "Config": {"WorkingDir": "/", "Env": [], "Labels": {}},
        "HostConfig": {},
        **changes,
    }


@dataclass
class LocalEngine:
    """What the engine has, and which requests it received, by method and path.

    `variables` are those that the shell of an exec has found. With `complaint` no shell comes about: that is what it
    writes instead.
    """

    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    saved: bytes = b""
    info: dict[str, Any] = field(default_factory=lambda: INFO)
    variables: str = "PATH"
    complaint: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    shells: list[subprocess.Popen[bytes]] = field(default_factory=list)
    execs: list[list[str]] = field(default_factory=list)

    def find(self, name: str) -> dict[str, Any] | None:
        """A container by its name or id."""
        return next((each for each in self.containers.values() if name in (each["Name"][1:], each["Id"])), None)

    def end_shells(self) -> None:
        """Kill every shell, as the end of a container would."""
        for shell in self.shells:
            end_session(shell.pid)
            shell.kill()
            shell.wait()


def end_session(leader: int) -> None:
    """Kill all processes of a session but the one that leads it."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            session = stat.read_text("utf-8").rpartition(")")[2].split()[3]
            if int(session) == leader and stat.parent.name != session:
                os.kill(int(stat.parent.name), signal.SIGKILL)


class _Handler(EngineHandler):
    def __init__(self, engine: LocalEngine, *arguments: Any) -> None:
        self.engine = engine
        # Two frames at once would be mixed.
        self.sending = threading.Lock()
        super().__init__(*arguments)

    def _route(self) -> None:
        url = urlsplit(self.path)
        path = unquote(re.sub(r"^/v\d+\.\d+(?=/)", "", url.path))
        self.engine.requests[f"{self.command} {path}"] += 1
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else {}
        routes: list[tuple[str, Callable[..., None]]] = [
            (r"GET /version", lambda: self.send_document(200, VERSION)),
            (r"GET /info", lambda: self.send_document(200, self.engine.info)),
            (r"POST /containers/create", lambda: self._create(parse_qs(url.query)["name"][0], body)),
            (r"GET /containers/([^/]+)/json", self._inspect),
            (r"POST /containers/([^/]+)/start", self._start),
            (r"DELETE /containers/([^/]+)", self._remove),
            (r"POST /containers/([^/]+)/exec", partial(self._open, body)),
            (r"GET /exec/(\d+)/json", self._inspect_exec),
            (r"POST /exec/(\d+)/start", self._run),
            (r"GET /images/get", lambda: self.send_body(200, self.engine.saved)),
            (r"GET /images/json", lambda: self.send_document(200, [])),
            (r"GET /images/(.+)/json", self._image),
            (r"GET /images/(.+)/history", lambda _: self.send_document(200, [])),
        ]
        for pattern, answer in routes:
            if match := re.fullmatch(pattern, f"{self.command} {path}"):
                answer(*match.groups())
                return
        self.send_document(404, {"message": f"no such path: {path}"})

    do_GET = do_POST = do_DELETE = _route  # noqa: N815 - the names that the base class looks for

    def _inspect(self, name: str) -> None:
        found = self.engine.find(name)
        self.send_document(200 if found else 404, found or {"message": f"No such container: {name}"})

    def _image(self, reference: str) -> None:
        found = self.engine.images.get(reference)
        self.send_document(200 if found else 404, found or {"message": f"No such image: {reference}"})

    def _create(self, name: str, body: dict[str, Any]) -> None:
        if self.engine.find(name):
            self.send_document(409, {"message": f"The container name {name} is already in use"})
            return
        state = {"Running": False, "Status": "created"}
        made = container(name, State=state, Config={"Labels": body["Labels"]}, HostConfig=body["HostConfig"])
        self.engine.containers[name] = made
        self.send_document(201, {"Id": made["Id"]})

    def _start(self, name: str) -> None:
        if found := self.engine.find(name):
            found["State"].update(Running=True, Status="running")
        self.send_document(204 if found else 404, {})

    def _remove(self, name: str) -> None:
        found = self.engine.find(name)
        if found:
            del self.engine.containers[found["Name"][1:]]
        self.send_document(204 if found else 404, {"message": f"No such container: {name}"})

    def _open(self, body: dict[str, Any], name: str) -> None:
        if not self.engine.find(name):
            self.send_document(404, {"message": f"No such container: {name}"})
            return
        self.engine.execs.append(body["Cmd"])
        self.send_document(201, {"Id": str(len(self.engine.execs) - 1)})

    def _inspect_exec(self, number: str) -> None:
        del number
        self.send_document(200, {"Running": any(shell.poll() is None for shell in self.engine.shells)})

    def _run(self, number: str) -> None:
        """Become the stream of an exec: a shell, for `end PROCESS` what ends its children, for `nc` a silent peer."""
        command = self.engine.execs[int(number)]
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        if command[-2] == "end":
            end_session(int(command[-1]))
        elif command[1] == "nc":
            self.connection.recv(1)
        elif self.engine.complaint:
            # What came along with the head of the response would be lost: nobody asked for it yet.
            self.connection.recv(1)
            self._frame(STDERR, self.engine.complaint.encode())
        else:
            self._serve_shell()

    def _frame(self, kind: int, data: bytes) -> None:
        with self.sending, suppress(OSError):
            self.connection.sendall(bytes([kind, 0, 0, 0]) + len(data).to_bytes(4, "big") + data)

    def _serve_shell(self) -> None:
        shell = subprocess.Popen(
            ["sh", "-c", "exec 8</dev/null sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        assert shell.stdin
        assert shell.stdout
        assert shell.stderr
        self.engine.shells.append(shell)
        pumps = [
            threading.Thread(target=self._pump, args=(kind, output))
            for kind, output in ((1, shell.stdout), (STDERR, shell.stderr))
        ]
        for pump in pumps:
            pump.start()
        reading = threading.Thread(target=self._feed, args=(shell.stdin,))
        reading.start()
        for pump in pumps:
            pump.join()
        shell.wait()
        with suppress(OSError):
            self.connection.shutdown(2)
        reading.join()
        for pipe in (shell.stdin, shell.stdout, shell.stderr):
            pipe.close()

    def _pump(self, kind: int, output: IO[bytes]) -> None:
        while data := output.read(65_536):
            self._frame(kind, data)

    def _feed(self, stdin: IO[bytes]) -> None:
        """Hand on what the session sends, but for the shims, which only a container has the programs for."""
        received = bytearray()
        with suppress(OSError):
            while b"\n\\cd " not in received:
                received += self.connection.recv(65_536)
            rest = received[received.index(b"\n\\cd ") :]
            stdin.write(f"{PRELUDE}\n_variables='{self.engine.variables}'".encode() + rest)
            while data := self.connection.recv(65_536):
                stdin.write(data)
        with suppress(OSError):
            stdin.close()


@contextmanager
def reached(local: LocalEngine, folder: Path) -> Iterator[Engine]:
    """Serve `local` at a socket in `folder`, and connect to it."""
    with served(folder / "engine.sock", partial(_Handler, local)) as url, closing(connect(url)) as engine:
        try:
            yield engine
        finally:
            local.end_shells()
