"""Runs hadolint over many Dockerfiles at once and reads its findings; which of them matter is for the checks.

No configuration applies unless given: neither one in the current folder nor one in the environment. A Dockerfile
above `LARGEST` is not handed over, since hadolint's time grows faster than its input (a 1 MB line takes it minutes);
that file gets the one finding `TOO_LARGE` instead. One on which hadolint does not finish gets `TOO_SLOW`, one on which
it crashes `CRASHED`, and the others keep their findings. What hadolint is known to misread is handed over as a copy it
can read (`hadolint_copy`); an instruction that it cannot read is left out, and has the finding `LEFT_OUT`.
"""

from __future__ import annotations

import math
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_core import from_json

from pytest_lucid.dockerfile.hadolint_copy import readable_copy
from pytest_lucid.dockerfile.hadolint_program import CrashError, find_program, run
from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_lucid.dockerfile.hadolint_copy import ReadableCopy
    from pytest_lucid.dockerfile.syntax import Dockerfile

LARGEST = 65_536
TOO_LARGE = "too-large"
TOO_SLOW = "too-slow"
CRASHED = "crashed"
LEFT_OUT = "left-out"
# hadolint 2.15 gives this, and nothing else, for a file that it cannot parse, some valid ones included. It is a defect
# of the Dockerfile only when `parse` reports a problem too.
NOT_PARSED = "DL1000"
# Windows allows 32,767 characters on a command line.
_COMMAND_LINE = 24_000
# hadolint uses one core; starting it costs as much as linting some files.
_PROCESSES = min(os.cpu_count() or 1, 4)
_FEWEST = 8
# Above so many instructions that it cannot read, hadolint has not understood the file.
_MOST_LEFT_OUT = 5


@dataclass(frozen=True, slots=True)
class HadolintFinding:
    """One finding; `level` is error, warning, info or style, line and column are 1-based."""

    file: Path
    line: int
    column: int
    code: str
    level: str
    message: str


@dataclass(slots=True)
class _Handed:
    """One Dockerfile as it is handed over: where its text is, and which line of the file each line is.

    `copies` is how the names of its copies begin; `without` are the lines of the instructions that are left out,
    `bare` of those that lose their flags.
    """

    file: Path
    path: str
    source: Dockerfile
    text: str
    copies: str
    lines: tuple[int, ...] = ()
    without: list[int] = field(default_factory=list)
    bare: list[int] = field(default_factory=list)

    def line(self, number: int) -> int:
        """The line of the file that a line of the copy is."""
        return self.lines[min(number, len(self.lines)) - 1] if self.lines else number


def run_hadolint(
    files: Sequence[Path],
    *,
    config: Path | None = None,
    deadline: float = 60.0,
    program: Path | None = None,
    bash: Mapping[Path, Collection[int]] | None = None,
) -> tuple[HadolintFinding, ...]:
    """Lint the files in a process for each core; findings come in the order of file and line.

    `deadline` is in seconds, for a process with many files; when it passes, each of them is tried alone, for a sixth of
    it. `bash` are the stages of a file, by index, whose sh is bash. Raises ConfigError when hadolint is missing or
    works for no file, and when a file or the configuration cannot be read.
    """
    hadolint = program or find_program()
    small: list[Path] = []
    findings: list[HadolintFinding] = []
    for file in files:
        if _size(file) > LARGEST:
            message = f"The file is larger than {LARGEST} bytes, so hadolint was not asked."
            findings.append(HadolintFinding(file, 1, 1, TOO_LARGE, "error", message))
        else:
            small.append(file)
    with tempfile.TemporaryDirectory(prefix="lucid-hadolint-") as folder:
        if config is None:
            rules = Path(folder, "hadolint.yaml")
            rules.write_text("ignored: []\n", encoding="utf-8")
        else:
            rules = config.absolute()
        options = ["--no-fail", "--no-color", "--format", "json", "--config", str(rules)]
        runner = _Runner([str(hadolint), *options], Path(folder), deadline)
        pending = [_hand(file, Path(folder), index, (bash or {}).get(file, ())) for index, file in enumerate(small)]
        while pending:
            found = runner.lint(pending)
            pending = [item for item in pending if _leave_out(item, found, (bash or {}).get(item.file, ()))]
            again = {item.file for item in pending}
            findings.extend(finding for finding in found if finding.file not in again)
    order = {file: index for index, file in enumerate(files)}
    return tuple(sorted(findings, key=lambda found: (order[found.file], found.line, found.column, found.code)))


def _hand(file: Path, folder: Path, index: int, bash: Collection[int]) -> _Handed:
    text = file.read_bytes().decode(errors="replace")
    # An absolute path is never taken for an option.
    handed = _Handed(file, str(file.absolute()), parse(text), text, str(folder / str(index)))
    if not handed.source.problems:
        copy = readable_copy(handed.source, text, bash=bash)
        if copy.text != text:
            _write(handed, copy, Path(handed.copies))
    return handed


def _write(handed: _Handed, copy: ReadableCopy, path: Path) -> None:
    path.write_text(copy.text, encoding="utf-8", newline="")
    handed.path, handed.lines = str(path), copy.lines


def _leave_out(handed: _Handed, found: list[HadolintFinding], bash: Collection[int]) -> bool:
    """Leave the instruction out that hadolint cannot read, of a file that builders can; False when there is none."""
    own = [finding for finding in found if finding.file == handed.file]
    if (
        handed.source.problems
        or len(handed.without) + len(handed.bare) >= _MOST_LEFT_OUT
        or [f.code for f in own] != [NOT_PARSED]
    ):
        return False
    line = own[0].line
    instructions = [i for i in handed.source.instructions if i.name != "FROM" and i.line not in handed.without]
    holding = next((i for i in instructions if i.line <= line <= i.end), None)
    if holding is None:
        return False
    # Without its mounts a RUN can still be judged.
    is_bare = holding.line in handed.bare or not holding.flags
    (handed.without if is_bare else handed.bare).append(holding.line)
    copy = readable_copy(handed.source, handed.text, bash=bash, without=handed.without, bare=handed.bare)
    _write(handed, copy, Path(f"{handed.copies}-{len(handed.without)}-{len(handed.bare)}"))
    return True


@dataclass(frozen=True, slots=True)
class _Runner:
    """hadolint with its options; `lint` gives its findings in terms of the files."""

    command: list[str]
    folder: Path
    deadline: float

    def lint(self, handed: Sequence[_Handed]) -> list[HadolintFinding]:
        by_path = {item.path: item for item in handed}
        batches = list(_batches(list(by_path)))
        with ThreadPoolExecutor(max_workers=_PROCESSES) as pool:
            found = [
                finding for batch in pool.map(lambda b: list(self._batch(b, by_path)), batches) for finding in batch
            ]
        for item in handed:
            for line in item.without:
                message = (
                    "hadolint cannot read this instruction, which builders accept, so none of its rules applied to it."
                )
                found.append(HadolintFinding(item.file, line, 1, LEFT_OUT, "info", message))
        return found

    def _batch(self, batch: list[str], given: Mapping[str, _Handed]) -> Iterator[HadolintFinding]:
        try:
            output = run([*self.command, *batch], self.deadline)
        except CrashError:
            output = None
        if output is not None:
            yield from _findings(output, given)
            return
        for path in batch:
            yield from self._alone(path, given)

    def _alone(self, path: str, given: Mapping[str, _Handed]) -> Iterator[HadolintFinding]:
        alone = self.deadline / 6
        file = given[path].file
        try:
            output = run([*self.command, path], alone)
        except CrashError as crash:
            self._demand_working(crash)
            message = f"hadolint crashed on this file, so none of its rules applied: {crash}."
            yield HadolintFinding(file, 1, 1, CRASHED, "error", message)
            return
        if output is not None:
            yield from _findings(output, given)
        else:
            message = f"hadolint did not finish in {alone:g} s: shorten its RUN instructions."
            yield HadolintFinding(file, 1, 1, TOO_SLOW, "error", message)

    def _demand_working(self, crash: CrashError) -> None:
        """Raise ConfigError where hadolint fails on a file that has nothing in it."""
        trivial = self.folder / "trivial"
        trivial.write_text("FROM scratch\n", encoding="utf-8")
        try:
            run([*self.command, str(trivial)], self.deadline)
        except CrashError:
            raise ConfigError(f"hadolint failed with exit code {crash.code}: {crash}") from crash


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


def _findings(output: str, given: Mapping[str, _Handed]) -> Iterator[HadolintFinding]:
    try:
        for found in from_json(output):
            handed = given[found["file"]]
            yield HadolintFinding(
                file=handed.file,
                line=handed.line(found["line"]),
                column=found["column"],
                code=found["code"],
                level=found["level"],
                message=found["message"],
            )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"hadolint's output could not be read ({output[:200]!r}): expected its JSON format; check its version."
        ) from error
