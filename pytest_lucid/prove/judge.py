"""Runs the suite against the copy, by pytest in a process of its own, and reads which cells are red."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.errors import LucidError
from pytest_lucid.report import json_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.report.model import CellRecord

# The live checks: the copy runs the images of the stack, which others judge.
SUITE = ("--pyargs", "pytest_lucid.suite.infra", "--ignore-glob=*test_image*", "--import-mode=importlib")
# Options of pytest whose value is the next argument.
WITH_A_WORD = frozenset({"-k", "-m", "-p", "-o", "-c", "-W", "-n", "-r"})
# pytest's exit codes after which there are reports: all green, something red.
_REPORTED = (0, 1)
_LAST_LINES = 12
RUN_SECONDS = 600
# A run that was interrupted takes its sidecars away first.
GRACE_SECONDS = 20


class SuiteError(LucidError):
    """A run of the suite that judged nothing."""


@dataclass(frozen=True)
class Judge:
    """Runs pytest with `arguments` (the live checks of the suite without any) in `project`, by the matrix `claims`."""

    project: Path
    claims: Path
    arguments: Sequence[str] = ()

    def cells(self) -> tuple[CellRecord, ...]:
        """The cells of one run; raises SuiteError with the last lines of pytest where there are none."""
        with tempfile.TemporaryDirectory(prefix="lucid-prove-") as name:
            report = Path(name, "report.json")
            code, said = self._run(
                [
                    *("-q", "-p", "no:cacheprovider", "--lucid-host=local"),
                    *(f"--lucid-matrix={self.claims}", f"--lucid-project={self.project}", f"--lucid-json={report}"),
                    *(SUITE if not names_tests(self.project, self.arguments) else ()),
                    *self.arguments,
                ]
            )
            if code not in _REPORTED or not report.is_file():
                last = said.strip().splitlines()[-_LAST_LINES:]
                raise SuiteError("\n".join(["prove: the suite judged nothing:", *last]))
            return json_file.read(report.read_text("utf-8"), "the report of the suite").cells

    def _run(self, arguments: list[str]) -> tuple[int, str]:
        # Nobody's options for other runs.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LUCID_", "PYTEST_"))}
        with subprocess.Popen(  # noqa: S603 - our own command line, and what the user gave for pytest
            [sys.executable, "-m", "pytest", *arguments],
            cwd=self.project,
            env=kept | {"PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            try:
                said, _ = process.communicate(timeout=RUN_SECONDS)
            except subprocess.TimeoutExpired as error:
                _end(process)
                raise SuiteError(f"prove: the suite took longer than {RUN_SECONDS} s") from error
            except KeyboardInterrupt:
                # The terminal interrupts pytest as well; a signal to this process alone does not.
                _end(process)
                raise
            return process.returncode, said


def names_tests(project: Path, arguments: Sequence[str]) -> bool:
    """Whether arguments of pytest say which tests to run; a word behind `-k` is none, whatever a folder is called."""
    behind = zip(("", *arguments), arguments, strict=False)
    words = [word for before, word in behind if before not in WITH_A_WORD and not word.startswith("-")]
    return "--pyargs" in arguments or any(Path(project, word.partition("::")[0]).exists() for word in words)


def _end(process: subprocess.Popen[str]) -> None:
    """Let pytest take its sidecars away; end it where it does not."""
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=GRACE_SECONDS)
    finally:
        process.kill()
        process.wait()
