"""A report as Checkstyle's XML: the findings by file, with line and column. For Jenkins and reviewing programs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pytest_lucid.report.findings import file_findings

if TYPE_CHECKING:
    from pytest_lucid.report.model import RunReport

# The version of the form, which readers look at, and not that of a program.
FORM = "4.3"
SEVERITIES = {"critical": "error", "high": "error", "medium": "warning", "low": "info"}


def write(report: RunReport) -> str:
    """The findings in the order of files, lines and columns; what is waived is none."""
    found = [finding for finding in file_findings(report) if not finding.cell.until]
    root = Element("checkstyle", version=FORM)
    files: dict[str, Element] = {}
    for finding in sorted(found, key=lambda f: (f.place.file, f.place.line, f.place.column, f.cell.check)):
        cell, place = finding.cell, finding.place
        if place.file not in files:
            files[place.file] = SubElement(root, "file", name=place.file)
        SubElement(
            files[place.file],
            "error",
            line=str(max(1, place.line)),
            column=str(max(1, place.column)),
            severity=SEVERITIES[cell.severity],
            message=f"{place.message} {cell.remedy}".strip(),
            source=f"lucid.{cell.check}",
        )
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'
