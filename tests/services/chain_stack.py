"""The four blockchain services as processes on loopback, each with its volumes, to be killed and started at will.

Benchmarks and the long run of kills use it too: `nox -s kills`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx2 as httpx
from blake3 import blake3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0

ENGINE, ANCHORING, MANAGER, DATA = "engine", "anchoring", "manager", "data"
PACKAGES = {
    ENGINE: ("lucid-blockchain-engine", "lucid_blockchain_engine"),
    ANCHORING: ("lucid-session-anchoring", "lucid_session_anchoring"),
    MANAGER: ("lucid-block-manager", "lucid_block_manager"),
    DATA: ("lucid-data-chain", "lucid_data_chain"),
}


def eventually(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Wait until `condition` holds; a service that is away meanwhile makes it false."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if condition():
                return
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {seconds} s")
        time.sleep(0.05)


def free_port() -> int:
    """Return a free port that the kernel gives to no client: a service that is dead must get it back."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("utf-8").split()[0])
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(lowest // 2, lowest)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@dataclass
class Stack:
    """The services below one folder; `block_time` in seconds."""

    folder: Path
    block_time: int = 1
    ports: dict[str, int] = field(
        default_factory=lambda: {name: free_port() for name in (*PACKAGES, "grpc", "nowhere")}
    )
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    # One for all, because making one takes longer than most answers; no connection outlives its call.
    client: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=10, limits=httpx.Limits(max_keepalive_connections=0))
    )

    def __enter__(self) -> Self:
        for name in PACKAGES:
            self.start(name)
        for name in PACKAGES:
            self.await_life(name)
        return self

    def __exit__(self, *_details: object) -> None:
        for name in list(self.processes):
            self.kill(name)
        self.client.close()

    def start(self, name: str) -> None:
        """Start one service; does not wait."""
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", PACKAGES[name][1]]
            self.processes[name] = subprocess.Popen(command, env=self._environment(name), stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """End one service as the kernel does, at once and without a word."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def await_life(self, name: str, seconds: float = PATIENCE) -> None:
        """Wait until a service answers. Raises AssertionError with the end of its log if it has ended, or is late."""

        def answers() -> bool:
            if (code := self.processes[name].poll()) is not None:
                raise AssertionError(f"{name} ended with {code}")
            return self.get(name, "/health/live").status_code == 200

        try:
            eventually(answers, seconds)
        except AssertionError as error:
            log = (self.folder / f"{name}.log").read_text("utf-8", "replace")
            raise AssertionError(f"{name}: {error}; its log ends with\n{log[-2000:]}") from error

    def stop(self, name: str) -> float:
        """End one service as Docker does, and return the seconds that it took. Raises if its exit code is not 0."""
        process = self.processes.pop(name)
        asked = time.monotonic()
        process.terminate()
        code = process.wait(10)
        if code:
            raise AssertionError(f"{name} ended with {code}")
        return time.monotonic() - asked

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def get(self, name: str, path: str, **options: Any) -> httpx.Response:
        return self.client.get(self.url(name, path), **options)

    def ask(self, name: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the API of a service."""
        return self.client.request(method, self.url(name, "/api/v1" + path), **options)

    def memory(self, name: str, what: str = "VmRSS") -> int:
        """Return the kilobytes of a service: VmRSS now, VmHWM at most so far."""
        status = Path(f"/proc/{self.processes[name].pid}/status").read_text("utf-8")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what))

    def _environment(self, name: str) -> Mapping[str, str]:
        own = {}
        for variable in ("CHUNKS_DIR", "MERKLE_DIR", "BLOCKS_DIR", "ANCHORING_DIR"):
            folder = self.folder / name / variable
            folder.mkdir(parents=True, exist_ok=True)
            own[variable] = str(folder)
        return {
            **os.environ,
            **own,
            "PYTHONPATH": os.pathsep.join((str(ROOT / "common"), str(ROOT / "blockchain"))),
            "SERVICE_NAME": PACKAGES[name][0],
            "SERVICE_VERSION": "1.2.3",
            "LOG_LEVEL": "INFO",
            "PORT": str(self.ports[name]),
            "GRPC_PORT": str(self.ports["grpc"]),
            "BLOCK_TIME_SECONDS": str(self.block_time),
            "SERVICE_DISCOVERY_URL": f"http://127.0.0.1:{self.ports['nowhere']}",
            "BLOCKCHAIN_ENGINE_URL": f"http://127.0.0.1:{self.ports[ENGINE]}",
            "BLOCKCHAIN_ENGINE_GRPC_URL": f"http://127.0.0.1:{self.ports['grpc']}",
        }


@dataclass(frozen=True)
class Session:
    """A session that was recorded: its chunks, and the root of their tree once it is built."""

    name: str
    chunks: tuple[bytes, ...]

    @property
    def hashes(self) -> list[str]:
        return [blake3(chunk).hexdigest() for chunk in self.chunks]

    @property
    def manifest(self) -> dict[str, Any]:
        size = sum(map(len, self.chunks))
        return {"chunk_count": len(self.chunks), "total_size": size, "created_at": "2026-11-25T10:00:00Z"}


def recorded(name: str, count: int = 3, size: int = 10_000) -> Session:
    """Return a session with chunks that follow from its name."""
    chunks = (hashlib.shake_256(f"{name} {number}".encode()).digest(size) for number in range(count))
    return Session(name, tuple(chunks))


def upload(stack: Stack, session: Session) -> str:
    """Store the chunks of a session and build their tree; return its root."""
    for name, chunk in zip(session.hashes, session.chunks, strict=True):
        stack.ask(DATA, "PUT", f"/chunks/{name}", content=chunk).raise_for_status()
    body = {"session_id": session.name, "chunk_hashes": session.hashes}
    root: str = stack.ask(DATA, "POST", "/merkle/build", json=body).raise_for_status().json()["root_hash"]
    return root


def anchoring_of(session: Session, root: str) -> dict[str, Any]:
    """Return the body that anchors a session."""
    return {
        "session_id": session.name,
        "manifest_data": session.manifest,
        "merkle_root": root,
        "user_signature": "bm8gc2lnbmF0dXJl",
    }


def proofs(stack: Stack, root: str, count: int) -> Iterator[Sequence[dict[str, str]]]:
    """Yield the proof of each leaf."""
    for index in range(count):
        path: Sequence[dict[str, str]] = stack.ask(DATA, "GET", f"/merkle/{root}/proofs/{index}").json()["proof_path"]
        yield path
