"""How fast and how large the running deployment is: start, memory, images, requests and chunks through the gateway.

`nox -s bench -- stack` brings the six services up on the engine of this computer, and needs root there, for the memory
of processes. Figures through the gateway are set against asking the service itself, in the same run.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timezone
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from pytest_lucid.config.settings import Settings
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.inspect.journey import Traveller
from pytest_lucid.inspect.tokens import SECRET, bearer, token
from pytest_lucid.matrix import load_matrix
from pytest_lucid.stack.lifecycle import prepared
from pytest_lucid.target.deployment import Deployment
from pytest_lucid.target.sidecar_pool import SidecarPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.inspect.http import Request
    from pytest_lucid.matrix import Matrix

ROOT = Path(__file__).parents[1]
GATEWAY, DIRECT = "lucid-api-gateway", "directly"
CLIENTS = 4
REQUESTS = 4000
"""An admin's rate is 10,000 a minute, for all of a run together."""
ROUNDS = 2
CHUNK = 8 << 20
CHUNKS = 128
MIB = 1 << 20
SETTLED_SECONDS = 5
"""Until what a start needs is given back."""


class Stack:
    """The deployment, and what the engine and the kernel say of it."""

    def __init__(self, engine: Engine, matrix: Matrix) -> None:
        self._client: Any = engine.client
        self.services = {service.name: service for service in matrix.service}
        secret = next(iter(self._environment(GATEWAY, SECRET)))
        self._headers = bearer(token(secret, "lucid-benchmark", "admin"))
        self.secret = secret

    def _environment(self, name: str, variable: str) -> Iterator[str]:
        for one in self._client.containers.get(name).attrs["Config"]["Env"]:
            if one.startswith(variable + "="):
                yield one.partition("=")[2]

    def port(self, name: str) -> int:
        """The port of this computer that leads to a service."""
        http = self.services[name].http
        if http is None:
            raise RuntimeError(f"{name} has no port for HTTP")
        return http.host

    def begun(self) -> datetime:
        """When the first of the containers was started."""
        starts = [self._client.containers.get(name).attrs["State"]["StartedAt"] for name in (*self.services, "consul")]
        return datetime.fromisoformat(min(starts)[:26] + "+00:00")

    def images(self) -> Mapping[str, float]:
        """The size of each image in MiB."""
        return {name: self._client.images.get(s.image).attrs["Size"] / MIB for name, s in self.services.items()}

    def memory(self, what: str) -> Mapping[str, float]:
        """The MiB of each service's process: VmRSS now, VmHWM at most since `forget_peaks`."""
        return {name: self._memory(pid, what) for name, pid in self._processes()}

    def forget_peaks(self) -> None:
        """Let VmHWM begin anew."""
        for _name, pid in self._processes():
            Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")

    def _processes(self) -> Iterator[tuple[str, int]]:
        for name in self.services:
            yield name, self._client.containers.get(name).attrs["State"]["Pid"]

    @staticmethod
    def _memory(pid: int, what: str) -> float:
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))

    def asking(self, name: str) -> closing[Client]:
        """A client with one connection, closed at the end of the block."""
        return closing(Client(self.port(name), self._headers))


class Client:
    """One connection to a service, kept open."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = dict(headers)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, method: str, path: str, content: bytes | None = None) -> int:
        """Ask, and return how many bytes the answer has. Raises RuntimeError for one that is no success."""
        self._connection.request(method, "/api/v1" + path, content, self._headers)
        response = self._connection.getresponse()
        size = 0
        while piece := response.read(65536):
            size += len(piece)
        if response.status not in {200, 201}:
            raise RuntimeError(f"{method} {path}: {response.status}")
        return size


def requests(stack: Stack, name: str, count: int) -> list[float]:
    """Ask `count` times with CLIENTS clients at a time; return how long each took, and at the end all together."""

    def work(_number: int) -> list[float]:
        took = []
        with stack.asking(name) as client:
            for _turn in range(count // CLIENTS):
                began = time.perf_counter()
                client.ask("GET", "/chain/height")
                took.append(time.perf_counter() - began)
        return took

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        took = [one for part in pool.map(work, range(CLIENTS)) for one in part]
    return [*took, time.perf_counter() - began]


def rate(stack: Stack, name: str) -> tuple[float, float, float]:
    """Requests a second, median and 95th percentile in ms: the best of ROUNDS."""
    requests(stack, name, 100)
    best = (0.0, 0.0, 0.0)
    for _turn in range(ROUNDS):
        *took, whole = requests(stack, name, REQUESTS // ROUNDS)
        took.sort()
        best = max(best, (len(took) / whole, 1000 * took[len(took) // 2], 1000 * took[len(took) * 95 // 100]))
    return best


def transfer(stack: Stack, name: str) -> tuple[float, float]:
    """Send chunks up and get them back; MiB a second each way."""
    content = os.urandom(CHUNK)

    def chunk(number: int) -> bytes:
        return number.to_bytes(8, "big") + content[8:]

    names = [blake3(chunk(number)).hexdigest() for number in range(CHUNKS)]
    with stack.asking(name) as client:
        up = seconds(lambda: [client.ask("PUT", f"/chunks/{n}", chunk(i)) for i, n in enumerate(names)])
        down = seconds(lambda: [client.ask("GET", f"/chunks/{n}") for n in names])
    total = CHUNK * CHUNKS / MIB
    return total / up, total / down


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def each(figures: Mapping[str, float]) -> str:
    """The figures of all services in one line."""
    return ", ".join(f"{name.removeprefix('lucid-')} {figure:.0f}" for name, figure in figures.items()) + " MiB"


def measure(stack: Stack, deployment: Deployment) -> Iterator[str]:
    """Yield a line for each thing that is measured."""
    yield f"images: {each(stack.images())}"
    time.sleep(SETTLED_SECONDS)
    yield f"resident when idle: {each(stack.memory('VmRSS'))}"
    stack.forget_peaks()
    gateway = stack.services[GATEWAY]

    def ask(path: str, request: Request) -> Any:
        return deployment.ask(gateway, path, request)

    journey = Traveller("lucid-benchmark", stack.secret, ask).travel()
    if journey.answer_to("verify").get("verified") is not True:
        raise RuntimeError(journey.shown("verify"))
    yield f"at most in the journey: {each(stack.memory('VmHWM'))}"
    asked = {GATEWAY: rate(stack, GATEWAY), DIRECT: rate(stack, "lucid-blockchain-engine")}
    for name, (number, median, p95) in asked.items():
        way = "through the gateway" if name == GATEWAY else name
        yield f"requests {way}: {number:.0f}/s, median {median:.1f} ms, p95 {p95:.1f} ms"
    through, direct = asked.values()
    share, delay = through[0] / direct[0], through[2] / direct[2]
    yield f"that is {share:.2f} of the requests, and {delay:.1f} times the p95"
    stack.forget_peaks()
    for name, target in ((GATEWAY, GATEWAY), (DIRECT, "lucid-data-chain")):
        up, down = transfer(stack, target)
        way = "through the gateway" if name == GATEWAY else name
        yield f"1 GiB of chunks {way}: {up:.0f} MiB/s up, {down:.0f} MiB/s down"
        yield f"at most until then: {each(stack.memory('VmHWM'))}"


def main() -> None:
    """Bring the stack up, and print what is measured."""
    engine, matrix = connect(), load_matrix(ROOT / "lucid.toml")
    with prepared(engine, matrix, Settings(ROOT, up=True, build=True), lambda _line: None):
        healthy = datetime.now(timezone.utc)
        stack = Stack(engine, matrix)
        print(f"start to all healthy and registered: {(healthy - stack.begun()).total_seconds():.1f} s", flush=True)
        deployment = Deployment(engine, matrix, SidecarPool(engine, Run.new(), ()))
        for line in measure(stack, deployment):
            print(line, flush=True)


if __name__ == "__main__":
    main()
