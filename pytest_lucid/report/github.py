"""Annotations for GitHub Actions: what a job prints, and GitHub shows beside the lines of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.report.findings import file_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.report.model import RunReport


def write(report: RunReport) -> str:
    """A line for each finding in a file, then for each other cell that is red."""
    return "".join(f"{line}\n" for line in _lines(report))


def guarded(line: str) -> str:
    """A line that is not ours, so that the runner takes it for no command of its own."""
    return f"| {line}" if line.lstrip().startswith(("::", "##[", "##vso[")) else line


def _lines(report: RunReport) -> Iterator[str]:
    for finding in file_findings(report, red=True):
        cell, place = finding.cell, finding.place
        where = f"file={_property(place.file)},line={max(1, place.line)},col={max(1, place.column)},"
        text = _data(f"{place.message} {cell.remedy}")
        yield f"::{_kind(cell.severity)} {where}title={_property(cell.name)}::{text}"
    for cell in report.root_causes:
        if not cell.places:
            text = f"{cell.claim} {cell.seen}\n{cell.remedy}".strip()
            yield f"::{_kind(cell.severity)} title={_property(cell.name)}::{_data(text)}"


def _kind(severity: str) -> str:
    return {"low": "notice", "medium": "warning"}.get(severity, "error")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
