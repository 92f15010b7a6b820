"""Stacks that are not Lucid's, brought up by compose as their users do, and what a run says of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runs import DEADLINE_SECONDS, ROOT, SUITE

from pytest_lucid import standin
from pytest_lucid.sidecar.sidecar import TOOLBOX

if TYPE_CHECKING:
    from pathlib import Path

    import docker

STACKS = ROOT / "tests" / "foreign"
BASES = ("gcr.io/distroless/python3-debian12:nonroot", "gcr.io/distroless/python3-debian12:latest", TOOLBOX)
APP = "foreign-app:1.0"
OTHER_APP = "foreign-app:0.9"
COMPOSE = shutil.which("docker-compose", path=sysconfig.get_path("scripts")) or "docker-compose"


def build(client: docker.DockerClient) -> None:
    """Make the image of the stacks' own services."""
    standin.ensure(client, list(BASES), print)
    client.images.build(path=str(STACKS / "app"), tag=APP, rm=True)
    client.images.build(path=str(STACKS / "app"), tag=OTHER_APP, rm=True, labels={"version": "0.9"})


@dataclass(frozen=True)
class Stack:
    """A compose project in `folder`, and the matrix that is made of it in `output`."""

    folder: Path
    output: Path

    @property
    def file(self) -> Path:
        """What people give to compose."""
        return self.folder / "compose.yaml"

    @property
    def matrix(self) -> Path:
        """What `init` writes."""
        return self.output / "lucid.toml"

    def init(self, *how: str) -> str:
        """Write the matrix; returns its text."""
        self.matrix.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest_lucid", "init", *(how or [str(self.file)]), f"--output={self.matrix}"]
        _run(command)
        return self.matrix.read_text("utf-8")

    def up(self, *overrides: Path) -> None:
        """Bring it up, changed by `overrides`, and wait until each container is healthy, has given up, or has ended."""
        self._compose(overrides, "up", "--detach", "--yes", "--remove-orphans")
        deadline = time.monotonic() + DEADLINE_SECONDS
        while any(each.get("Health") == "starting" for each in self._list()):
            assert time.monotonic() < deadline, f"{self.folder.name} does not come up"
            time.sleep(0.2)

    def down(self, *overrides: Path) -> None:
        """Remove it, with its volumes, and with what `overrides` brought."""
        present = tuple(each for each in overrides if each.exists())
        self._compose(present, "down", "--volumes", "--remove-orphans", "--timeout=0")

    def _list(self) -> list[dict[str, str]]:
        said = self._compose((), "ps", "--all", "--format=json")
        return [json.loads(line) for line in said.splitlines()]

    def _compose(self, overrides: tuple[Path, ...], *what: str) -> str:
        files = [f"--file={file}" for file in (self.file, *overrides)]
        return _run([COMPOSE, *files, *what])

    def check(self, checks: str = SUITE) -> tuple[dict[str, set[str]], int, str]:
        """Check what runs by the matrix; returns the red cells of each service (`stack`: of all), code and output."""
        junit = self.output / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--lucid-host=local"]
        done = subprocess.run(
            [*command, f"--lucid-matrix={self.matrix}", f"--junitxml={junit}", checks],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_SECONDS,
        )
        found: dict[str, set[str]] = {}
        for case in ET.parse(junit).iter("testcase"):  # noqa: S314 - our own file
            if case.find("failure") is not None or case.find("error") is not None:
                check = next(str(p.get("value")) for p in case.iter("property") if p.get("name") == "lucid.check")
                service = str(case.get("name")).partition("[")[2].rstrip("]") or "stack"
                found.setdefault(service, set()).add(check)
        return found, done.returncode, done.stdout + done.stderr


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout
