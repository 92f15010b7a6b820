"""What Consul knows, asked inside its own container, so that no other service's health colours the answer."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_lucid.engine.command import run_command
from pytest_lucid.engine.connection import engine_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Consul


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
    # At the same time: to another machine each question takes its time.
    with ThreadPoolExecutor(len(questions)) as pool:
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
        exit_code, output = run_command(engine, containers[0]["Id"], ["consul", *arguments], environment)
    return output.decode() if exit_code == 0 else ""


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
