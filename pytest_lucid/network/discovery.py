"""What Consul knows, asked inside its own container, so that no other service's health colours the answer."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_lucid.engine.connection import engine_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Consul

CLIENTS = 4
SETTLING_SECONDS = 5.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Registration:
    """One instance in Consul's catalog: where it says it listens, and whether its checks pass."""

    address: str
    port: int
    passing: bool


@dataclass(frozen=True)
class Discovery:
    """Consul's view: who leads (None for nobody), and the registrations of each service asked for."""

    leader: str | None
    registrations: Mapping[str, tuple[Registration, ...]]


def read_discovery(engine: Engine, consul: Consul, services: Sequence[str]) -> Discovery:
    """Ask Consul for its leader and for `services`, with its own client, inside its container.

    A Consul that does not run or does not answer has no leader and no registrations.
    """
    questions = [("operator", "raft", "list-peers"), *(_watch(name) for name in services)]
    # At the same time: to another machine each question takes its time. Not all: each starts a program of many threads.
    with ThreadPoolExecutor(CLIENTS) as pool:
        peers, *answers = pool.map(lambda question: _ask(engine, consul, *question), questions)
    found = {name: _registrations(answer) for name, answer in zip(services, answers, strict=True)}
    return Discovery(_leader(peers), found)


def _watch(service: str) -> tuple[str, ...]:
    return ("watch", "-type=service", f"-service={service}")


def _ask(engine: Engine, consul: Consul, *arguments: str) -> str:
    environment = {"CONSUL_HTTP_ADDR": f"http://127.0.0.1:{consul.port}"}
    with engine_errors(f"asking {consul.container}"):
        containers = engine.client.api.containers(filters={"name": f"^/{consul.container}$", "status": "running"})
        if not containers:
            return ""
        exec_id = engine.client.api.exec_create(
            containers[0]["Id"], ["consul", *arguments], environment=environment, stderr=False
        )["Id"]
        output: bytes = engine.client.api.exec_start(exec_id)
        exit_code = _exit_code(engine, exec_id)
    return output.decode() if exit_code == 0 else ""


def _exit_code(engine: Engine, exec_id: str) -> int | None:
    """How a command ended whose output has; the engine may know that a moment later."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while (code := engine.client.api.exec_inspect(exec_id)["ExitCode"]) is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    exit_code: int | None = code
    return exit_code


def _leader(peers: str) -> str | None:
    """Read the leader's address from the table: columns Node, ID, Address, State, …."""
    for row in peers.splitlines()[1:]:
        columns = row.split()
        if "leader" in columns:
            return columns[columns.index("leader") - 1]
    return None


def _registrations(answer: str) -> tuple[Registration, ...]:
    entries: list[dict[str, Any]] = json.loads(answer) if answer.strip() else []
    return tuple(
        Registration(
            address=entry["Service"]["Address"] or entry["Node"]["Address"],
            port=entry["Service"]["Port"],
            passing=all(check["Status"] == "passing" for check in entry["Checks"]),
        )
        for entry in entries or ()
    )
