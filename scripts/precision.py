"""Writes docs/precision.md: what each Dockerfile check finds and leaves alone in the cases and the corpus.

Run as `python scripts/precision.py`; every tree is judged anew, and expect.toml says what is right.
"""

from __future__ import annotations

import inspect
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "audit"))

from case_files import Case, read_case  # noqa: E402 - the tests' own reader of the trees
from test_cases import ALL, FOLDERS  # noqa: E402 - likewise
from test_corpus import TREES, found  # noqa: E402 - likewise

from pytest_lucid.audit.audit import Audit  # noqa: E402 - likewise

HEAD = """# Precision and recall

Made by `python scripts/precision.py`: every tree of tests/unit/audit/cases and tests/unit/audit/corpus is judged anew.
A finding counts as right when the tree's `expect.toml` names it for that check. hadolint's rules and `DKF-FILE` are
left out. Trees of our own making tell what is known to be right, and nothing of what nobody has thought of yet.

| check | findings that are right | found | missed | trees that it must leave alone | false alarms |
| --- | ---: | ---: | ---: | ---: | ---: |
"""


def findings(case: Case, check: str) -> list[str]:
    """What one check finds in one tree."""
    function = ALL[check]
    parameters = list(inspect.signature(function).parameters)
    with tempfile.TemporaryDirectory() as folder:
        case.write(Path(folder))
        _, subject = case.subject(Path(folder), needs_row="lucid_audit" not in parameters)
        audit = Audit(subject, check=check)
        try:
            function(**dict.fromkeys(parameters, audit))
        except AssertionError:
            return [str(finding) for finding in audit.findings]
    return []


def count(got: list[str], right: list[str], check: str, totals: Counter[tuple[str, str]]) -> None:
    """Add one tree to a check's totals."""
    totals[check, "right"] += len(right)
    totals[check, "found"] += len(set(got) & set(right))
    totals[check, "alone"] += not right
    totals[check, "false"] += len(set(got) - set(right))


def _of(check: str, lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith(f"{check} ")]


def main() -> None:
    """Judge every tree and write the table."""
    totals: Counter[tuple[str, str]] = Counter()
    checks = [check for check in sorted(ALL) if check not in {"DKF-HADOLINT", "DKF-FILE"}]
    for folder in FOLDERS:
        check, case = folder.parent.name, read_case(folder)
        if check in checks:
            count(findings(case, check), case.findings, check, totals)
    for case in TREES:
        with tempfile.TemporaryDirectory() as made:
            lines = found(case, Path(made))
        for check in checks:
            if list(inspect.signature(ALL[check]).parameters) == ["lucid_audit"]:
                count(_of(check, lines), _of(check, case.findings), check, totals)
    rows = []
    for check in [*checks, "all"]:
        of = [check] if check != "all" else checks
        due, hit, alone, wrong = (sum(totals[one, key] for one in of) for key in ("right", "found", "alone", "false"))
        rows.append(f"| {check} | {due} | {hit} | {due - hit} | {alone} | {wrong} |\n")
    (ROOT / "docs" / "precision.md").write_text(HEAD + "".join(rows), encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
