"""A report as JSON, its schema, and the way back. All three are made from the types."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from pytest_lucid.errors import ConfigError
from pytest_lucid.report.model import SCHEMA, RunReport

_REPORT: TypeAdapter[RunReport] = TypeAdapter(RunReport)
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def write(report: RunReport) -> str:
    """The whole report."""
    return _REPORT.dump_json(report, indent=1).decode() + "\n"


def read(text: str, where: str) -> RunReport:
    """The report that `write` made a text of; ConfigError, naming `where`, for anything else."""
    try:
        report = _REPORT.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise ConfigError(f"{where}: expected a file of --lucid-json; {place}: {first['msg']}") from error
    if report.schema != SCHEMA:
        raise ConfigError(f"{where}: its schema is {report.schema}, expected {SCHEMA}; write it anew with --lucid-json")
    return report


def schema() -> dict[str, Any]:
    """The JSON schema of such a file."""
    made = _REPORT.json_schema(mode="serialization")
    return {"$schema": DIALECT, **made, "title": f"A report of --lucid-json, schema {SCHEMA}"}
