"""Puts the tables that benchmarks make into docs/testinfra.md."""

from __future__ import annotations

from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "testinfra.md"
BEGIN, END = "<!-- begin {} -->", "<!-- end {} -->"


def write(name: str, table: list[str]) -> None:
    """Put a table in the place of that name."""
    begin, end = BEGIN.format(name), END.format(name)
    before, _, rest = DOCUMENT.read_text("utf-8").partition(begin)
    after = rest.partition(end)[2]
    DOCUMENT.write_text("\n".join([f"{before}{begin}", *table, f"{end}{after}"]), "utf-8")
