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
from pytest_lucid.prove.catalogue import batches, defects_of, unplanted_networks
from pytest_lucid.prove.claims import claims_of
from pytest_lucid.prove.defect import Defect, Unplanted
from pytest_lucid.prove.judge import Judge
from pytest_lucid.prove.stack_copy import StackCopy
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

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
    if matrix.stack:
        raise ConfigError("prove: the matrix is of a swarm, which brings up its tasks itself; it is not copied")
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
    listed = [(row.name, each) for row in matrix.service for each in defects_of(row, matrix, copy)]
    listed += unplanted_networks(matrix)
    found = [(row, each) for row, each in listed if any(fnmatchcase(each.demand, pattern) for pattern in only)]
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
    waiting = list(batches(planned))
    number = 0
    while waiting:
        batch = waiting.pop(0)
        number += 1
        started = time.monotonic()
        copy.replace({**dict.fromkeys(before), **batch})
        before = set(batch)
        cells = judge.cells()
        for row, found_by in found_in(cells, batch).items():
            each = batch[row]
            if found_by is None:
                waiting.append({row: each})
            else:
                bites.append(Bite(row, each.demand, each.name, found_by))
        say(f"{number} of {number + len(waiting)}: {len(batch)} defects, {_since(started)}")
    order = [*(row.name for row in matrix.service), *(network.name for network in matrix.all_networks)]
    return sorted(bites, key=lambda bite: (order.index(bite.row), bool(bite.unplanted)))


def found_in(cells: Iterable[CellRecord], batch: Mapping[str, Defect]) -> dict[str, tuple[str, ...] | None]:
    """Which red checks speak of the defect of each row; None where the defect has to be looked at alone.

    That is so where only a user's own check of the whole stack is red, which may be for the defect of any row. Of a
    user's own checks any may speak of a defect. A check that was not judged speaks of nothing.
    """
    red = [(cell.check, cell.service) for cell in cells if cell.outcome.is_red and cell.outcome is not Outcome.UNJUDGED]
    known = shipped()
    stack = {check for check, service in red if service is None and check not in known}
    found: dict[str, tuple[str, ...] | None] = {}
    for row, defect in batch.items():
        of_row = {
            check
            for check, service in red
            if (service == row and (check in defect.checks or check not in known))
            or (service is None and check in defect.checks)
        }
        if len(batch) == 1:
            of_row |= stack
        found[row] = None if stack and not of_row else tuple(sorted(of_row))
    return found


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
