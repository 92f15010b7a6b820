"""The table of testinfra's methods is whole, and the document shows it."""

from __future__ import annotations

import re
from pathlib import Path

from module_table import CELLS, methods

DOCUMENT = Path(__file__).parents[3] / "docs" / "testinfra.md"


def test_every_method_of_the_installed_testinfra_is_asked() -> None:
    assert {cell.method for cell in CELLS} == set(methods())


def test_the_document_has_every_question_with_a_verdict() -> None:
    table = DOCUMENT.read_text("utf-8").partition("<!-- begin methods -->")[2].partition("<!-- end methods -->")[0]
    rows = re.findall(r"^\| ([\w.]+) \| `(.+?)` \| (.+?) \| (.*?) \|$", table, re.MULTILINE)[:]
    asked = [(method, ask.replace("\\|", "|")) for method, ask, _, _ in rows]
    assert asked == [(cell.method, cell.ask) for cell in CELLS]
    assert {verdict for _, _, verdict, _ in rows} == {"right", "error", "not supported"}
    assert all(bool(said) is (verdict != "right") for _, _, verdict, said in rows)
