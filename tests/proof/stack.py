"""The healthy stack: how to bring it up, and how to get back to it."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import docker
import requests
from suite import ROOT

from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import OWNER, Run, owner
from pytest_lucid.errors import LucidError
from pytest_lucid.inspect.consul import read_discovery
from pytest_lucid.matrix import load_matrix
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar
from pytest_lucid.stack.bring_up import await_health

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.matrix import Service

INFRA = str(ROOT / "tests" / "infra")
SETTLE_SECONDS = 30
# Services show within 15 s that a dependency is gone or back.
NOTICE_SECONDS = 16


class Running:
    """The healthy stack, and how to get back to it."""

    def __init__(self) -> None:
        self.engine = connect()
        self.client = docker.from_env()
        self.matrix = load_matrix(ROOT / "lucid.toml")
        assert self.matrix.consul, "the matrix of this tree has a Consul"
        assert self.matrix.network, "the matrix of this tree has a network"
        self.consul, self.network = self.matrix.consul, self.matrix.network
        self.services = {service.name: service for service in self.matrix.service}
        self.is_up = False

    def up(self, *arguments: str) -> None:
        """Bring the stack up and keep it; what was up before is removed."""
        if self.is_up:
            self.down()
        self.is_up = True
        pytest("--lucid-up", "--lucid-keep", INFRA, "-k", "test_exists", *arguments)

    def ensure_up(self) -> None:
        """Bring it up, unless it is."""
        if not self.is_up:
            self.up()

    def down(self) -> None:
        """Remove it."""
        lucid("down")
        self.is_up = False
        # Hundreds of containers that come and go make engines before 28.1 miscount: a network stays then, in the way of
        # the next bring-up that wants another one. Counting anew takes a restart.
        if self.client.networks.list(filters={"label": f"{OWNER}={owner()}"}):
            say("  (the engine has miscounted a network, and is restarted)")
            lucid("engine", "--restart")
            lucid("down")

    def settle(self, *names: str) -> None:
        """Wait until the containers are healthy (or have given up) and registered where they are, within a bound."""
        deadline = time.monotonic() + SETTLE_SECONDS
        services = [self.services[name] for name in names]
        await_health(self.engine, services, deadline)
        with closing(Session(Sidecar(self.engine, self.consul.container, Run.new()))) as consul:
            while time.monotonic() < deadline and not all(self._registered(consul, name) for name in names):
                time.sleep(0.2)
            consul.sidecar.remove()
        # What depends on a replaced service asks again only after a while.
        deadline = time.monotonic() + NOTICE_SECONDS
        while time.monotonic() < deadline and not all(map(_content, self.services.values())):
            time.sleep(0.5)

    def _registered(self, consul: Session, name: str) -> bool:
        state = self.client.api.inspect_container(name)
        address = state["NetworkSettings"]["Networks"].get(self.network.name, {}).get("IPAddress")
        try:
            found = read_discovery(consul, self.consul.port, [name]).registrations[name]
        except LucidError:
            return False
        return [r.address for r in found if r.passing] == [address]


def _content(service: Service) -> bool:
    """Whether a service calls all that it needs healthy, or cannot be asked."""
    assert service.http, "the services of this tree have a port for HTTP"
    try:
        answer = requests.get(f"http://127.0.0.1:{service.http.host}/health", timeout=2).json()
        return set(answer["dependencies"].values()) <= {"healthy"}
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError):
        return True


@contextmanager
def stack() -> Iterator[Running]:
    """The stack: brought up by the first stage that needs it, removed when the block ends."""
    running = Running()
    try:
        yield running
    finally:
        if running.is_up:
            running.down()


def lucid(*arguments: str) -> None:
    """Run `python -m pytest_lucid`; ends with what it said if that fails."""
    command = [sys.executable, "-m", "pytest_lucid", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    if result.returncode:
        raise SystemExit(f"pytest_lucid {' '.join(arguments)} ended with {result.returncode}:\n{result.stderr}")


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 - a command line speaks


def pytest(*arguments: str) -> None:
    """Run pytest for what it does; whether cells are red does not matter."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    if result.returncode not in (0, 1):
        raise SystemExit(f"pytest ended with {result.returncode}:\n{result.stdout}{result.stderr}")
