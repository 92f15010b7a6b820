"""The proof of a stack's own suite: a green copy, then one batch of defects after the other."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.config.check import shipped
from pytest_lucid.errors import ConfigError
from pytest_lucid.matrix.load import load_matrix, merged_document
from pytest_lucid.prove.catalogue import batches, defects_of
from pytest_lucid.prove.claims import claims_of
from pytest_lucid.prove.defect import Defect, Unplanted
from pytest_lucid.prove.judge import Judge
from pytest_lucid.prove.stack_copy import StackCopy
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run
    from pytest_lucid.matrix import Matrix
    from pytest_lucid.report.model import CellRecord

MOST_SHOWN = 5


@dataclass(frozen=True)
class Bite:
    """What became of one demand of a row: the defect, and the checks that found it; or why none was planted."""

    row: str
    demand: str
    defect: str
    found_by: tuple[str, ...] = ()
    unplanted: str = ""

    @property
    def verdict(self) -> str:
        """`bites`, `does not bite` or `not planted`."""
        return "not planted" if self.unplanted else "bites" if self.found_by else "does not bite"


@dataclass(frozen=True)
class Suspect:
    """The suite to be proven: the matrix in `file`, the folder of the project, and the arguments of pytest.

    `only` are the demands to plant defects for, with * and ? as in names of files.
    """

    file: Path
    project: Path
    arguments: Sequence[str] = ()
    only: Sequence[str] = ("*",)


def prove(engine: Engine, suspect: Suspect, run: Run, say: Callable[[str], None]) -> list[Bite]:
    """Copy the stack of the matrix, and look which defects of the copy the suite finds.

    Raises ConfigError where the stack cannot be copied, or the suite is not green on the copy without a defect.
    """
    matrix = load_matrix(suspect.file)
    if matrix.consul:
        raise ConfigError("prove: the matrix has a Consul, which knows services by their names; it is not copied")
    if not engine.is_local:
        raise ConfigError(f"prove: {engine} is not on this machine, where the ports of a copy would be asked for")
    copy = StackCopy(engine, matrix, run)
    try:
        started = time.monotonic()
        copy.make()
        say(f"copied {len(matrix.service)} containers, {len(copy.networks)} networks in {_since(started)}")
        with tempfile.TemporaryDirectory(prefix="lucid-prove-") as folder:
            claims = Path(folder, "lucid.toml")
            claims.write_text(claims_of(merged_document(suspect.file), matrix, copy), "utf-8")
            return _prove(copy, matrix, Judge(suspect.project, claims, suspect.arguments), suspect.only, say)
    finally:
        copy.remove()


def _prove(
    copy: StackCopy, matrix: Matrix, judge: Judge, only: Sequence[str], say: Callable[[str], None]
) -> list[Bite]:
    started = time.monotonic()
    healthy = judge.cells()
    if red := [cell for cell in healthy if cell.outcome.is_red]:
        lines = [
            f"  {cell.name}: {' '.join((cell.seen or cell.cause or cell.reason).split())}" for cell in red[:MOST_SHOWN]
        ]
        more = [f"  and {len(red) - MOST_SHOWN} more"] if len(red) > MOST_SHOWN else []
        raise ConfigError("\n".join(["prove: the suite is not green on a copy without a defect:", *lines, *more]))
    if not healthy:
        raise ConfigError("prove: no check was made of the copy; expected some that the matrix demands")
    say(f"{len(healthy)} checks are green on the copy, {_since(started)}")
    found = [
        (row.name, each)
        for row in matrix.service
        for each in defects_of(row, matrix, copy)
        if any(fnmatchcase(each.demand, pattern) for pattern in only)
    ]
    if not found:
        raise ConfigError(f"prove: the matrix has no demand like {', '.join(only)}")
    waived = {(cell.check, cell.service): cell.until for cell in healthy if cell.outcome is Outcome.WAIVED}
    planned: list[tuple[str, Defect]] = []
    bites: list[Bite] = []
    for row, each in found:
        if isinstance(each, Unplanted):
            bites.append(Bite(row, each.demand, "", unplanted=each.reason))
        elif all((check, row) in waived for check in each.checks):
            until = max(str(waived[check, row]) for check in each.checks)
            bites.append(Bite(row, each.demand, each.name, unplanted=f"waived until {until}"))
        else:
            planned.append((row, each))
    before: set[str] = set()
    groups = list(batches(planned))
    for number, batch in enumerate(groups, 1):
        started = time.monotonic()
        copy.replace({**dict.fromkeys(before), **batch})
        before = set(batch)
        cells = judge.cells()
        bites += [Bite(row, each.demand, each.name, finders(cells, row, each)) for row, each in batch.items()]
        say(f"{number} of {len(groups)}: {len(batch)} defects, {_since(started)}")
    order = [row.name for row in matrix.service]
    return sorted(bites, key=lambda bite: (order.index(bite.row), bool(bite.unplanted)))


def finders(cells: Iterable[CellRecord], row: str, defect: Defect) -> tuple[str, ...]:
    """The red checks of the row, or of the whole stack, that speak of the defect; of a user's own check any may."""
    red = {cell.check for cell in cells if cell.outcome.is_red and cell.service in {row, None}}
    return tuple(sorted(check for check in red if check in defect.checks or check not in shipped()))


def _since(started: float) -> str:
    return f"{time.monotonic() - started:.1f} s"


def table(bites: Sequence[Bite]) -> list[str]:
    """A line for each demand, and one that counts."""
    rows = [
        (each.row, each.demand, each.verdict, each.defect, each.unplanted or ", ".join(each.found_by)) for each in bites
    ]
    head = ("row", "demand", "verdict", "defect", "found by, or why not")
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(4)]
    lines = [
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in (head, *rows)
    ]
    count = {
        verdict: sum(each.verdict == verdict for each in bites) for verdict in ("bites", "does not bite", "not planted")
    }
    planted, others = count["bites"] + count["does not bite"], count["not planted"]
    rest = f"{others} {'demand was' if others == 1 else 'demands were'} not planted"
    return [*lines, "", f"{count['bites']} of {planted} planted defects were found; {rest}"]
