"""Whole trees, after what public projects do: all checks together find what is right, and nothing else.

corpus/NAME holds one (see case_files); a finding is written "<CHECK> file:line: message". hadolint's rules are left
out, since they change with its version. LUCID_UPDATE_CASES=1 writes the findings of today.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest
from case_files import read_case
from test_cases import ALL

from pytest_lucid.audit.audit import Audit

CORPUS = Path(__file__).parent / "corpus"
FOLDERS = sorted(CORPUS.iterdir())
FEWEST = 110


def found(folder: Path, root: Path) -> list[str]:
    case = read_case(folder)
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


@pytest.mark.parametrize("folder", [pytest.param(folder, id=folder.name) for folder in FOLDERS])
def test_tree(folder: Path, tmp_path: Path) -> None:
    case = read_case(folder)
    lines = found(folder, tmp_path)
    if lines != case.findings and os.environ.get("LUCID_UPDATE_CASES"):
        case.update(lines)
    assert lines == case.findings


def test_corpus_is_large_enough() -> None:
    assert len(FOLDERS) >= FEWEST
