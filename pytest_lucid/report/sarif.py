"""A report as SARIF 2.1.0: the findings with file and line, and what each rule says. For code scanning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_lucid.report.findings import FileFinding, file_findings
from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from pytest_lucid.report.model import CellRecord, RunReport

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
HOME = "https://github.com/pytest-lucid/pytest-lucid"
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
# As GitHub sorts them: from 9 critical, from 7 high, from 4 medium.
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}


def write(report: RunReport) -> str:
    """One run, whose paths are relative to the root of the project."""
    found = list(file_findings(report))
    rules: dict[str, CellRecord] = {finding.cell.check: finding.cell for finding in found}
    index = {check: at for at, check in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "pytest-lucid",
                "version": report.run.version,
                "informationUri": HOME,
                "rules": [_rule(cell) for cell in rules.values()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"PROJECT": {"description": {"text": "The root of the project."}}},
        "results": [_result(finding, index[finding.cell.check]) for finding in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rule(cell: CellRecord) -> dict[str, Any]:
    return {
        "id": cell.check,
        "shortDescription": {"text": cell.claim or cell.check},
        "help": {"text": cell.remedy, "markdown": f"{cell.remedy}\n\n`pytest --lucid-explain {cell.check}` says more."},
        "helpUri": f"{HOME}/blob/main/docs/checks.md",
        "defaultConfiguration": {"level": LEVELS[cell.severity]},
        "properties": {"severity": cell.severity, "security-severity": SCORES[cell.severity], "tags": [cell.area]},
    }


def _result(finding: FileFinding, rule: int) -> dict[str, Any]:
    cell, place = finding.cell, finding.place
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.file), "uriBaseId": "PROJECT"},
            "region": {"startLine": max(1, place.line), "startColumn": max(1, place.column)},
        }
    }
    if cell.service:
        location["logicalLocations"] = [{"name": cell.service, "kind": "module"}]
    result: dict[str, Any] = {
        "ruleId": cell.check,
        "ruleIndex": rule,
        "level": LEVELS[cell.severity],
        "message": {"text": place.message or cell.claim or cell.check},
        "locations": [location],
        "partialFingerprints": {"lucidFinding/v1": finding.fingerprint},
    }
    if cell.outcome is Outcome.WAIVED:
        until = f" (until {cell.until})" if cell.until else ""
        result["suppressions"] = [{"kind": "external", "justification": f"{cell.reason}{until}"}]
    return result
