"""A run of pytest that has ended, and what the documents say of how it should."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runs import ROOT

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

REMOTE = ROOT / "docs" / "remote.md"


@dataclass(frozen=True)
class Ran:
    """A run of pytest that has ended; `junit` is None where no report was written."""

    code: int
    output: str
    junit: ET.Element | None

    @property
    def cases(self) -> list[ET.Element]:
        """The cells that the report has."""
        return [] if self.junit is None else self.junit.findall(".//testcase")


def says(ran: Ran, fault: str) -> None:
    """The run ended as the table in docs/remote.md says of this fault."""
    rows = [
        line.strip("| ").split(" | ", 2) for line in REMOTE.read_text("utf-8").splitlines() if line.startswith("| ")
    ]
    ((_, code, message),) = (row for row in rows if row[0] == fault)
    pattern = re.escape(message).replace("…", ".*")
    assert ran.code == int(code), ran.output
    assert re.search(pattern, " ".join(ran.output.split())), f"{ran.output}\ndocs/remote.md: {message}"


def unreached(ran: Ran) -> tuple[int, int]:
    """How many rows of the table have the error of a lost host, and how many only point to that error."""
    rows = [len(re.findall(rf"^lucid-\S+ +1{sign}$", ran.output, re.MULTILINE)) for sign in "!·"]
    return rows[0], rows[1]
