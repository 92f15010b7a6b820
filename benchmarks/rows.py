"""How a run grows with the rows of the matrix: `nox -s bench -- rows`, 6, 60 and 600 of them on a simulated engine.

Six small services run for real (those of `scale.py`). The simulated engine hands on what their engine says, and gives
each further row a container like one of the six, with a name, an id, an address and a port of its own. So neither the
engine nor its machine grows along, only what this project does. Judged is what the engine says; nothing is asked inside
a container.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import docker
from docker.constants import DEFAULT_DOCKER_API_VERSION
from engine_server import EngineHandler, served

from benchmarks import scale

if TYPE_CHECKING:
    from collections.abc import Iterable

COUNTS = (6, 60, 600)
REAL = 6
NETWORK = "lucid-scale"
FIRST_ADDRESS = ip_address("172.29.200.0")
Change = tuple[tuple[str, str], ...]
"""Patterns, and what takes their place."""
SUITES = ("test_container", "test_creation", "test_network")


class Simulated:
    """The containers of `count` rows, made of those of REAL, and how often each kind of request came."""

    def __init__(self, count: int) -> None:
        self.requests: Counter[str] = Counter()
        with closing(docker.from_env()) as client:
            models = [client.api.inspect_container(f"lucid-scale-{number}") for number in range(REAL)]
        # By the name of the model: what makes further containers of it.
        self._changes: dict[str, list[Change]] = {}
        # By name and id: the model's name, and how its answer becomes this row's.
        self._rows: dict[str, tuple[str, Change]] = {}
        for number in range(REAL, count):
            model, own = models[number % REAL], f"lucid-scale-{number}"
            name = model["Name"][1:]
            identity = sha256(own.encode()).hexdigest()
            address = model["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]
            change: Change = (
                (rf"\b{name}\b", own),
                (model["Id"], identity),
                (model["Id"][:12], identity[:12]),
                (rf"\b{scale.FIRST_PORT + number % REAL}\b", str(scale.FIRST_PORT + number)),
                (rf"\b{re.escape(address)}\b", str(FIRST_ADDRESS + number)),
            )
            self._changes.setdefault(name, []).append(change)
            self._rows[own] = self._rows[identity] = name, change

    def answer(self, path: str) -> tuple[int, bytes]:
        """The status and the body for a GET of this path, with its query."""
        bare = re.sub(r"^/v\d+\.\d+(?=/)", "", unquote(urlsplit(path).path))
        self.requests[re.sub(r"[0-9a-f]{12,}|lucid-scale-\d+", "NAME", bare)] += 1
        named = re.match(r"/(?:containers|images)/([\w-]+)", bare)
        if named and named[1] in self._rows:
            model, change = self._rows[named[1]]
            status, body = self._ask(path.replace(named[1], model, 1))
            return status, changed(body.decode(), change).encode()
        status, body = self._ask(path)
        if status == HTTPStatus.OK and bare == "/containers/json":
            listed = json.loads(body)
            body = json.dumps([*listed, *self._grown((each["Names"][0][1:], each) for each in listed)]).encode()
        if status == HTTPStatus.OK and re.fullmatch(r"/networks/.+", bare):
            network = json.loads(body)
            members = (network.get("Containers") or {}).items()
            grown = self._grown((each["Name"], [key, each]) for key, each in members)
            network["Containers"] = dict([*members, *grown])
            body = json.dumps(network).encode()
        return status, body

    def _grown(self, models: Iterable[tuple[str, Any]]) -> list[Any]:
        return [
            json.loads(changed(json.dumps(it), each)) for name, it in models for each in self._changes.get(name, ())
        ]

    @staticmethod
    def _ask(path: str) -> tuple[int, bytes]:
        # A client of its own for each question: many come at once.
        with closing(docker.APIClient(version=DEFAULT_DOCKER_API_VERSION)) as client:
            answer = client.get(f"{client.base_url}{path}")
            return answer.status_code, answer.content


def changed(text: str, change: Change) -> str:
    """What a model says, said by a row made of it."""
    for pattern, value in change:
        text = re.sub(pattern, value, text)
    return text


class Handler(EngineHandler):
    """Answers for a simulated engine; what would change something is refused."""

    def __init__(self, engine: Simulated, *arguments: Any) -> None:
        self._engine = engine
        super().__init__(*arguments)

    def _route(self) -> None:
        if self.command in {"GET", "HEAD"}:
            # Whoever asks may have read enough before the end.
            with suppress(BrokenPipeError):
                self.send_body(*self._engine.answer(self.path))
        else:
            self.send_document(HTTPStatus.NOT_IMPLEMENTED, {"message": "a simulated engine starts nothing"})

    do_GET = do_HEAD = do_POST = do_DELETE = _route  # noqa: N815 - the names that the base class looks for


def measure(count: int) -> str:
    """Run the suites on `count` rows; what came of it in one line."""
    engine = Simulated(count)
    with tempfile.TemporaryDirectory() as name, served(Path(name, "engine.sock"), partial(Handler, engine)) as url:
        folder = Path(name, "tree")
        folder.mkdir()
        scale.tree(folder, count)
        files = [f"pytest_lucid.suite.infra.{name}" for name in SUITES]
        options = ("--pyargs", "-q", "-p", "no:cacheprovider", "--tb=no", "--lucid-host=local")
        command = [sys.executable, "-m", "pytest", *options, *files]
        environ = {**os.environ, "DOCKER_HOST": url}
        started = time.monotonic()
        with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
            said = process.communicate()[0].splitlines()[-1]
        took = time.monotonic() - started
    cells = sum(map(int, re.findall(r"(\d+) (?:passed|failed|skipped|error|waived)", said)))
    asked = sum(engine.requests.values()) / count
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    each = f"{took / cells * 1000:.2f} ms a cell, {asked:.1f} questions to the engine a row"
    return f"{count} rows, {cells} cells: {took:.1f} s, {each}, at most {memory:.0f} MiB; {said}"


def main() -> None:
    """Bring six services up, and measure runs of more rows than there are."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scale.tree(folder, REAL)
        scale.pytest(folder, "--lucid-up", "--lucid-keep", "--pyargs", "pytest_lucid.suite", "-k", "test_exists")
        try:
            for count in [int(each) for each in sys.argv[1:]] or COUNTS:
                print(measure(count), flush=True)
        finally:
            subprocess.run([sys.executable, "-m", "pytest_lucid", "down"], cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    main()
