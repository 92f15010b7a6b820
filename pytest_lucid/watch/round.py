"""One round: the live checks, by pytest in a process of its own, so that many rounds need no more memory than one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

from pytest_lucid.errors import LucidError
from pytest_lucid.report import json_file

if TYPE_CHECKING:
    from pytest_lucid.report.model import RunReport

SUITE = "pytest_lucid.suite.infra"
# pytest's exit codes after which there are reports: all green, something red.
_REPORTED = (0, 1)
# A run that was interrupted takes its sidecars away first; the engine may be what hangs.
_GRACE_SECONDS = 10
_LAST_LINES = 12


class RoundError(LucidError):
    """A round that could not be made: the host, its engine, or the matrix."""


@dataclass(frozen=True)
class Plan:
    """What every round checks: the hosts as for --lucid-host, and the folder of the project with its lucid.toml."""

    hosts: tuple[str, ...]
    project: Path

    def arguments(self, folder: Path, service: str | None) -> list[str]:
        """The command line of pytest: all live checks, or those of one service's container."""
        return [
            *("-c", str(folder / "pytest.ini"), f"--rootdir={self.project}", "--import-mode=importlib"),
            *("-q", "-p", "no:cacheprovider", "--ignore-glob=*test_image*"),
            *(f"--lucid-host={host}" for host in self.hosts),
            *(f"--lucid-project={self.project}", f"--lucid-json={folder / 'report.json'}"),
            *(("-k", service) if service else (f"--lucid-report={folder / 'report.html'}",)),
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
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopped = Event()

    def make(self, service: str | None = None) -> Outcomes | None:
        """One round over everything, or over the container of one service; None after `stop`.

        Raises RoundError with the last lines of pytest where nothing could be checked.
        """
        with tempfile.TemporaryDirectory(prefix="lucid-watch-") as name:
            folder = Path(name)
            (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
            with self._lock:
                if self._stopped.is_set():
                    return None
                self._process = self._start(folder, service)
            said, _ = self._process.communicate()
            if self._stopped.is_set():
                return None
            if self._process.returncode not in _REPORTED:
                last = "\n".join(said.strip().splitlines()[-_LAST_LINES:])
                raise RoundError(last or f"pytest ended with {self._process.returncode} and no message")
            report = json_file.read((folder / "report.json").read_text("utf-8"), "the report of the round")
            return Outcomes(report, "" if service else (folder / "report.html").read_text("utf-8"))

    def _start(self, folder: Path, service: str | None) -> subprocess.Popen[str]:
        # Nobody's options for other runs.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LUCID_", "PYTEST_"))}
        return subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "pytest", *self._plan.arguments(folder, service)],
            cwd=self._plan.project,
            env=kept | {"PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            # A Ctrl-C in the terminal is for the watcher, which ends its round itself.
            start_new_session=True,
        )

    def stop(self) -> None:
        """End the round that is being made, which takes away what it made, and make no other."""
        with self._lock:
            self._stopped.set()
            process = self._process
        if process is None or process.poll() is not None:
            return
        if os.name == "posix":
            process.send_signal(signal.SIGINT)
        else:
            process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
