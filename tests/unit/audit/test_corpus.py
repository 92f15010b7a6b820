"""Whole trees, after what public projects do: all checks together find what is right, and nothing else.

corpus/NAME holds one, corpus/KIND.toml several of one kind (see case_files); a finding is written
"<CHECK> file:line: message". hadolint's rules are left out, since they change with its version.
LUCID_UPDATE_CASES=1 writes the findings of today.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest
from case_files import Case, read_corpus
from test_cases import ALL

from pytest_lucid.audit.audit import Audit

TREES = read_corpus(Path(__file__).parent / "corpus")
FEWEST = 300


def found(case: Case, root: Path) -> list[str]:
    case.write(root)
    _, subject = case.subject(root, needs_row=False)
    lines = []
    for name, check in sorted(ALL.items()):
        if name == "DKF-HADOLINT" or list(inspect.signature(check).parameters) != ["lucid_audit"]:
            continue
        audit = Audit(subject, check=name)
        try:
            check(audit)
        except AssertionError:
            assert audit.findings
        lines += [f"{name} {finding}" for finding in audit.findings]
    return lines


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in TREES])
def test_tree(case: Case, tmp_path: Path) -> None:
    lines = found(case, tmp_path)
    if lines != case.findings and os.environ.get("LUCID_UPDATE_CASES"):
        case.update(lines)
    assert lines == case.findings


def test_corpus_is_large_enough() -> None:
    assert len({case.name for case in TREES}) == len(TREES) >= FEWEST
