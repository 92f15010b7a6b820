"""What the tests of real runs share: where the suite is, what is on the engine, when a run has come far enough."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError

if TYPE_CHECKING:
    import subprocess

    import docker
    from docker.models.networks import Network

ROOT = Path(__file__).parents[2]
SUITE = str(ROOT / "tests" / "infra")
DEADLINE_SECONDS = 300
SERVICES = {
    "lucid-api-gateway",
    "lucid-blockchain-engine",
    "lucid-session-anchoring",
    "lucid-block-manager",
    "lucid-data-chain",
    "lucid-service-mesh-controller",
}


@dataclass(frozen=True)
class Things:
    """Everything on the engine that carries the label of a run."""

    containers: frozenset[str]
    networks: frozenset[str]
    volumes: frozenset[str]

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.containers or self.networks or self.volumes)


def run_command(*arguments: str) -> list[str]:
    """How pytest is started with this project's services."""
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--lucid-project={ROOT}", *arguments]


def run_environment() -> dict[str, str]:
    """The environment of such a run: ours, without what configures pytest or the plugin."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LUCID_", "PYTEST_"))}
    # Wide enough for the whole names of services in the table.
    return {**kept, "COLUMNS": "160"}


def networks_of_runs(client: docker.DockerClient) -> frozenset[str]:
    """The networks that runs have left, without an empty one that the engine miscounts and does not remove."""
    return frozenset(
        str(network.name) for network in client.networks.list(filters={"label": "lucid.run"}) if not _is_kept(network)
    )


def _is_kept(network: Network) -> bool:
    try:
        network.reload()
        if not network.attrs["Containers"]:
            network.remove()
    except APIError as error:
        return error.status_code in {403, 404}
    return False


def await_start(folder: Path, process: subprocess.Popen[str]) -> int:
    """Wait until the waiting test runs; returns the process id it runs in."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    started = folder / "started"
    while not (started.exists() and started.read_text()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(started.read_text())
