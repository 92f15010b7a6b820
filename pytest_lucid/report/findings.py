"""What is wrong at a line of a file: the findings that code-scanning formats know."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.report.model import CellRecord, Place, RunReport


@dataclass(frozen=True)
class FileFinding:
    """One place of a cell that did not pass. The fingerprint is the same wherever in the file the finding moves."""

    cell: CellRecord
    place: Place
    fingerprint: str


def file_findings(report: RunReport, *, red: bool = False) -> Iterator[FileFinding]:
    """The findings in files, in the order of the cells; only those that tell why the run fails if `red`."""
    seen: dict[str, int] = {}
    for cell in report.cells:
        if cell.outcome in {Outcome.PASSED, Outcome.SKIPPED} or (red and (cell.cause or not cell.outcome.is_red)):
            continue
        for place in cell.places:
            text = "\0".join((cell.check, cell.service or "", place.file, place.message))
            number = seen[text] = seen.get(text, -1) + 1
            yield FileFinding(cell, place, hashlib.sha256(f"{text}\0{number}".encode()).hexdigest())
