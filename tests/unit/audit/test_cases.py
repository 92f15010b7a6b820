"""Every check of tests/dockerfile on Dockerfiles that it must catch, and on near misses that it must not.

cases/<CHECK-ID>/catch-NAME and miss-NAME hold them (see case_files). LUCID_UPDATE_CASES=1 writes the findings of today
into the catches: for a message that was reworded, and never without reading the difference.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from case_files import Case, read_case

from pytest_lucid.audit.audit import Audit
from pytest_lucid.audit.rules.excuses import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_lucid.audit.audit import Rule
    from pytest_lucid.audit.finding import Finding

CASES = Path(__file__).parent / "cases"
CHECKS = Path(__file__).parents[2] / "dockerfile"
FEWEST_CATCHES, FEWEST_MISSES = 2, 3


def find_checks() -> Iterator[tuple[str, Callable[..., None]]]:
    for file in sorted(CHECKS.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"checks_{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for function in vars(module).values():
            for mark in getattr(function, "pytestmark", ()):
                if mark.name == "lucid" and mark.args[0].startswith("DKF-"):
                    yield mark.args[0], function


ALL = dict(find_checks())
FOLDERS = sorted(CASES.glob("*/*"))


@pytest.mark.parametrize(
    "folder", [pytest.param(folder, id=f"{folder.parent.name}-{folder.name}") for folder in FOLDERS]
)
def test_case(folder: Path, tmp_path: Path) -> None:
    check, case = ALL[folder.parent.name], read_case(folder)
    catches = folder.name.startswith("catch-")
    parameters = list(inspect.signature(check).parameters)
    case.write(tmp_path)
    matrix, subject = case.subject(tmp_path, needs_row="lucid_audit" not in parameters)
    audit = Audit(subject, check=folder.parent.name)
    given = {
        "lucid_audit": audit,
        "lucid_service_audit": audit,
        "lucid_dockerfile_path": tmp_path / (matrix.service[0].dockerfile or ""),
    }
    arguments = {name: given[name] for name in parameters}
    if not catches:
        check(**arguments)
        assert not audit.findings
        return
    with pytest.raises(AssertionError):
        check(**arguments)
    if "lucid_dockerfile_path" not in parameters:
        compare(case, audit)


def compare(case: Case, audit: Audit) -> None:
    if case.matches(audit.findings):
        return
    if os.environ.get("LUCID_UPDATE_CASES"):
        case.update(audit.findings)
    assert [str(finding) for finding in audit.findings] == case.findings


@pytest.mark.parametrize("check", sorted(ALL))
def test_every_check_has_enough_cases(check: str) -> None:
    catches = list(CASES.glob(f"{check}/catch-*"))
    misses = list(CASES.glob(f"{check}/miss-*"))
    assert len(catches) >= FEWEST_CATCHES, f"write cases/{check}/catch-…: what {check} must catch"
    assert len(misses) >= FEWEST_MISSES, f"write cases/{check}/miss-…: near misses of {check}"


def test_no_cases_are_left_over() -> None:
    assert {folder.parent.name for folder in FOLDERS} <= ALL.keys()
    assert all(folder.name.startswith(("catch-", "miss-")) for folder in FOLDERS)


class Recorder(Audit):
    """Keeps the rule that a check applies."""

    def __call__(self, rule: Rule) -> tuple[Finding, ...]:
        self.rule = rule
        return ()


def test_rules_that_can_be_excused_are_those_of_the_checks() -> None:
    rules = {}
    for name, check in ALL.items():
        recorder = Recorder()
        if list(inspect.signature(check).parameters) in (["lucid_audit"], ["lucid_service_audit"]):
            check(recorder)
            rules[name] = recorder.rule
    del rules["DKF-EXCUSES"]
    assert rules == RULES, "list each rule in RULES of pytest_lucid/audit/rules/excuses.py"
