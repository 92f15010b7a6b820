"""The cells of a report as CSV, a row for each; no spreadsheet takes a value for a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from pytest_lucid.report.areas import area_name

if TYPE_CHECKING:
    from pytest_lucid.report.model import RunReport

COLUMNS = (
    "check", "area", "severity", "service", "host", "outcome", "reason", "until", "seen", "where", "claim", "remedy",
    "source", "seconds",
)  # fmt: skip


def write(report: RunReport) -> str:
    """A line of titles, then the cells in their order."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell in report.cells:
        values = (
            cell.check, area_name(cell.area), cell.severity, cell.service or "", cell.host or "", cell.outcome.value,
            cell.reason, cell.until or "", cell.seen, " ".join(map(str, cell.places)), cell.claim, cell.remedy,
            str(cell.source), f"{cell.seconds:.3f}",
        )  # fmt: skip
        writer.writerow([_plain(value) for value in values])
    return made.getvalue()


def _plain(value: str) -> str:
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t")) else value
