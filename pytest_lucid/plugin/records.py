"""From pytest's report of one phase to the record of a cell. What is not ours in it is made safe to show here."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.config.check import SEVERITIES
from pytest_lucid.content.inert import one_line
from pytest_lucid.content.masking import clean
from pytest_lucid.errors import EngineError, LucidError, MissingError
from pytest_lucid.plugin.state import AUDIT, SETTINGS, WAIVER, baseline_in, cell_name, host_name, service_name
from pytest_lucid.report.model import CellRecord, Outcome, Place
from pytest_lucid.report.words import said

if TYPE_CHECKING:
    from pytest_lucid.config.check import Check
    from pytest_lucid.matrix import Waiver

NO_LONGER_NEEDED = "it passes, so its waiver no longer applies"


def put_record(item: pytest.Item, check: Check, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Put the record of one phase of a cell into pytest's report of it, which then tells no traceback of its own."""
    report.sections = [(title, clean(text)) for title, text in report.sections]
    if report.passed and report.when != "call":
        return
    record = read_record(item, check, call, report)
    # Attributes of a report survive the way from an xdist worker, if JSON can say them.
    report.lucid = record.to_json()  # type: ignore[attr-defined]
    if isinstance(report.longrepr, tuple):
        report.longrepr = (*report.longrepr[:2], f"Skipped: {record.reason}")
    if record.outcome is Outcome.SKIPPED and report.when == "setup" and call.excinfo:
        # Reported where the fixture says so, not once for each test: pytest folds what has one place and one reason.
        place = call.excinfo.traceback.filter(call.excinfo)[-1]
        report.longrepr = (str(place.path), place.lineno + 1, record.reason)
    if record.outcome in {Outcome.BELOW, Outcome.KNOWN}:
        report.outcome = "skipped"
        report.wasxfail = record.reason
    if record.outcome.is_red:
        report.longrepr = text_of(record)


def waive(item: pytest.Item, check: Check, waivers: tuple[Waiver, ...]) -> None:
    """Expect the item to fail if a waiver in force covers it. A broken probe is not waived: it has judged nothing."""
    for waiver in waivers:
        if waiver.covers(check.id, cell_name(item)) and waiver.is_in_force:
            item.stash[WAIVER] = (waiver.expires.isoformat(), waiver.reason)
            reason = clean(f"waived until {waiver.expires}: {waiver.reason}")
            claims = (AssertionError, pytest.fail.Exception, MissingError)
            item.add_marker(pytest.mark.xfail(strict=True, reason=reason, raises=claims))


def blank_record(item: pytest.Item, check: Check) -> CellRecord:
    """The record of a cell that has passed."""
    file, line, _ = item.location
    docstring = inspect.getdoc(getattr(item, "function", None)) or ""
    return CellRecord(
        check=check.id,
        severity=check.severity,
        claim=" ".join(docstring.partition("\n\n")[0].split()),
        remedy=check.remedy,
        outcome=Outcome.PASSED,
        source=Place(one_line(file).replace("\\", "/"), (line or 0) + 1),
        test=one_line(_test(item)),
        service=service_name(item),
        host=host_name(item),
        decides=check.decides,
    )


def _test(item: pytest.Item) -> str:
    """The name of the test, with its parameters where these are not the service and the host alone."""
    callspec = getattr(item, "callspec", None)
    others = set(callspec.params) - {"lucid_row", "lucid_host"} if callspec else ()
    return item.name if others else str(getattr(item, "originalname", None) or item.name)


def read_record(item: pytest.Item, check: Check, call: pytest.CallInfo[None], report: pytest.TestReport) -> CellRecord:
    """The record of what one phase of a cell says; `report` is as pytest made it."""
    notes = item.stash[AUDIT].notes if AUDIT in item.stash else ()
    record = replace(blank_record(item, check), notes=tuple(clean(str(note)) for note in notes))
    error = call.excinfo.value if call.excinfo else None
    if report.skipped and not hasattr(report, "wasxfail"):
        return replace(record, outcome=Outcome.SKIPPED, reason=" ".join(clean(str(error)).split()))
    if report.skipped:
        until, reason = item.stash.get(WAIVER, (None, report.wasxfail))
        return replace(_with_findings(item, record, error), outcome=Outcome.WAIVED, reason=clean(reason), until=until)
    if report.failed and error is None:
        remedy = "Delete the waiver from lucid.toml."
        return replace(record, outcome=Outcome.FAILED, seen=NO_LONGER_NEEDED, remedy=remedy)
    return record if error is None else _failed(item, record, report, error)


def _failed(item: pytest.Item, record: CellRecord, report: pytest.TestReport, error: BaseException) -> CellRecord:
    record = _with_findings(item, record, error)
    settings = item.config.stash[SETTINGS]
    if settings.trace or not (is_claim(error) or isinstance(error, EngineError)):
        record = replace(record, trace=clean(report.longreprtext))
    if report.when != "call" or not is_claim(error):
        return replace(record, outcome=Outcome.ERROR)
    if SEVERITIES.index(record.severity) < SEVERITIES.index(settings.fail_on):
        reason = f"severity {record.severity} is below --lucid-fail-on {settings.fail_on}"
        return replace(record, outcome=Outcome.BELOW, reason=reason)
    failed = replace(record, outcome=Outcome.FAILED)
    if settings.new_only and (baseline := baseline_in(item.config)) and baseline.knows(failed):
        return replace(record, outcome=Outcome.KNOWN, reason=f"known since {clean(baseline.where)}")
    return failed


def is_claim(error: BaseException) -> bool:
    """Whether a check ended so because its claim does not hold, and not because it broke."""
    claims = (AssertionError, pytest.fail.Exception, LucidError)
    return isinstance(error, claims) and not isinstance(error, EngineError)


def text_of(record: CellRecord) -> str:
    """A red record as pytest's own reports show it, the terminal's aside."""
    found = [f"{place}: {place.message}" for place in record.places] or [record.seen]
    if record.about and not record.decides:
        return "\n".join((record.claim, "not judged:", *found, *filter(None, (record.trace,))))
    lines = [record.claim, *found, *([record.trace] if record.trace else [])]
    if record.outcome is Outcome.FAILED:
        lines.append(f"\n{record.check} ({record.severity}): remedy\n{record.remedy}")
    return "\n".join(lines)


def _with_findings(item: pytest.Item, record: CellRecord, error: BaseException | None) -> CellRecord:
    """What was seen, and in which files."""
    if error is None:
        return record
    if AUDIT in item.stash and item.stash[AUDIT].findings and isinstance(error, AssertionError):
        found = item.stash[AUDIT].findings
        places = tuple(Place(one_line(each.file), each.line, clean(each.message), each.column) for each in found)
        return replace(record, seen="\n".join(place.message for place in places), places=places)
    if isinstance(error, AssertionError):
        return replace(record, seen=clean(said(str(error))))
    text = str(error) if is_claim(error) or isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
    about = error.about or (text if isinstance(error, EngineError) else "") if isinstance(error, LucidError) else ""
    return replace(record, seen=clean(text), about=clean(about))
