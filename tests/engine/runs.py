"""What the tests of real runs share: where the suite is, what is on the engine, when a run has come far enough."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

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


def await_start(folder: Path, process: subprocess.Popen[str]) -> int:
    """Wait until the waiting test runs; returns the process id it runs in."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    started = folder / "started"
    while not (started.exists() and started.read_text()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(started.read_text())
