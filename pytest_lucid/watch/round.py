"""One round: the live checks, by pytest in a process that ends with it; many rounds need no more memory than one."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.matrix import load_matrix
from pytest_lucid.report import json_file
from pytest_lucid.watch.process import RoundError, runner

if TYPE_CHECKING:
    from pytest_lucid.matrix import Service
    from pytest_lucid.report.model import RunReport

SUITE = "pytest_lucid.suite.infra"
# pytest's exit codes after which there are reports: all green, something red.
_REPORTED = (0, 1)
_LAST_LINES = 12


@dataclass(frozen=True)
class Plan:
    """What every round checks: the hosts as for --lucid-host, and the folder of the project with its lucid.toml."""

    hosts: tuple[str, ...]
    project: Path

    def rows(self) -> tuple[Service, ...]:
        """The rows of the matrix; raises ConfigError as a round would."""
        file = self.project / "lucid.toml"
        return load_matrix(file if file.is_file() else None).select(())

    def arguments(self, folder: Path, service: str | None) -> list[str]:
        """The command line of pytest: all live checks, or those of one service's container."""
        return [
            *("-c", str(folder / "pytest.ini"), f"--rootdir={self.project}", "--import-mode=importlib"),
            *("-q", "-p", "no:cacheprovider", "--ignore-glob=*test_image*"),
            *(f"--lucid-host={host}" for host in self.hosts),
            *(f"--lucid-project={self.project}", f"--lucid-json={folder / 'report.json'}"),
            f"--lucid-service={service}" if service else f"--lucid-report={folder / 'report.html'}",
            *("--pyargs", f"{SUITE}.test_container" if service else SUITE),
        ]


@dataclass(frozen=True)
class Outcomes:
    """What a round found, and its page; "" for a round of one service."""

    report: RunReport
    page: str


class Rounds:
    """Makes rounds, one at a time; `stop` may come from another thread or a signal handler."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._runner = runner(plan.project)

    def make(self, service: str | None = None) -> Outcomes | None:
        """One round over everything, or over the container of one service; None after `stop`.

        Raises RoundError with the last lines of pytest where nothing could be checked.
        """
        with tempfile.TemporaryDirectory(prefix="lucid-watch-") as name:
            folder = Path(name)
            (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
            output = folder / "output"
            code = self._runner.run(self._plan.arguments(folder, service), output)
            if code is None:
                return None
            if code not in _REPORTED:
                last = output.read_text("utf-8", "replace").strip().splitlines()[-_LAST_LINES:]
                raise RoundError("\n".join(last) or f"pytest ended with {code} and no message")
            report = json_file.read((folder / "report.json").read_text("utf-8"), "the report of the round")
            return Outcomes(report, "" if service else (folder / "report.html").read_text("utf-8"))

    def stop(self) -> None:
        """End the round that is being made, which takes away what it made, and make no other."""
        self._runner.stop()
