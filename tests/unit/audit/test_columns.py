"""Where in a line a finding points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.audit.finding import column_of
from pytest_lucid.audit.project import Project
from pytest_lucid.audit.rules import copy_sources, dependencies, stages, start, support, written_secrets
from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject


@pytest.mark.parametrize(
    ("text", "word", "column"),
    [
        ("COPY a.py b/a.py /x", "a.py", 6),
        ("COPY b/a.py a.py /x", "a.py", 13),
        ("  COPY x /x", "", 3),
        ("  COPY x /x", "gone", 3),
        ("\tRUN x", "", 2),
        ("ENV APP=1 A=2", "A", 11),
        ("USER ${NAME}", "NAME", 8),
        ("COPY --chown=1:1 a /a", "--chown", 6),
        ("COPY é a.py /x", "a.py", 8),
        ("COPY a.python /x", "a.py", 6),
        ("", "", 1),
        ("", "a(b", 1),
    ],
)
def test_a_word_and_its_column(text: str, word: str, column: int) -> None:
    assert column_of(text, word) == column


@pytest.mark.parametrize(
    ("text", "rule", "place"),
    [
        ("FROM scratch\n  COPY gone.txt /\n", copy_sources.missing_sources, (2, 8)),
        ("FROM scratch\nCOPY --from=a /x \\\n  /y\n", stages.unknown_origins, None),
        ("FROM scratch AS builder\nFROM scratch\nCOPY --from=bulder /x /y\n", stages.unknown_origins, (3, 6)),
        ("FROM --platform=$BUILDPLATFORM python:3.7\n", support.unsupported_bases, (1, 32)),
        ("FROM scratch\nENV A=1 \\\n    DB_PASSWORD=a1b2c3\n", written_secrets.secrets, (3, 5)),
        ("\ufeffFROM python:3.7\n", support.unsupported_bases, (1, 6)),
        (
            'FROM gcr.io/distroless/python3-debian12\nENTRYPOINT ["python3", "app.py"]\n',
            start.missing_module,
            (2, 25),
        ),
        (
            "FROM python:3.13\nCOPY requirements.txt /\nRUN pip install -r /requirements.txt\n",
            dependencies.unpinned,
            (2, 3),
        ),
    ],
)
def test_a_finding_points_to_the_word(
    tmp_path: Path, text: str, rule: Callable[[Subject], Iterable[Finding]], place: tuple[int, int] | None
) -> None:
    (tmp_path / "Dockerfile").write_text(text, "utf-8")
    (tmp_path / "requirements.txt").write_text("a==1\n  b\n", "utf-8")
    (subject,) = Project(tmp_path, load_matrix(None), (), whole=True).others
    found = list(rule(subject))
    assert [(item.line, item.column) for item in found] == ([place] if place else [])
