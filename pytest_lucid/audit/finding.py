"""What a rule found, and how people read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One defect: the file, relative to the project with forward slashes, the 1-based line, and one sentence.

    A note is no defect: it says what was not judged, and why.
    """

    file: str
    line: int
    message: str
    is_note: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def listing(findings: Iterable[Finding]) -> str:
    """One line for each finding."""
    return "\n".join(str(finding) for finding in findings)
