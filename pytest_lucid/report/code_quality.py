"""A report as GitLab and Code Climate read code quality: the findings with file and line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_lucid.report.findings import file_findings

if TYPE_CHECKING:
    from pytest_lucid.report.model import RunReport

SEVERITIES = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}


def write(report: RunReport) -> str:
    """A list of findings; what is waived is none."""
    found = [
        {
            "type": "issue",
            "categories": ["Bug Risk"],
            "description": f"{finding.place.message} {finding.cell.remedy}".strip(),
            "check_name": finding.cell.check,
            "fingerprint": finding.fingerprint,
            "severity": SEVERITIES[finding.cell.severity],
            "location": {"path": finding.place.file, "lines": {"begin": line, "end": line}},
        }
        for finding in file_findings(report)
        for line in [max(1, finding.place.line)]
        if not finding.cell.until
    ]
    return json.dumps(found, indent=1) + "\n"
