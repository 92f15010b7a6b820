"""What a rule found, and how people read it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One defect: the file, relative to the project with forward slashes, the 1-based line, and one sentence.

    A note is no defect: it says what was not judged, and why. `column` is 1-based, in characters. Findings of one
    check with one `cause` are one defect at several places; without one, the message is the cause.
    """

    file: str
    line: int
    message: str
    is_note: bool = False
    column: int = field(default=1, compare=False)
    cause: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def column_of(text: str, word: str = "") -> int:
    """The 1-based column of a word in a line, the first one that stands alone; of the line's text without it."""
    alone = re.search(rf"(?<![\w./-]){re.escape(word)}(?![\w-])", text) if word else None
    if alone:
        return alone.start() + 1
    at = text.find(word) if word else -1
    return (at if at >= 0 else len(text) - len(text.lstrip())) + 1


def listing(findings: Iterable[Finding]) -> str:
    """One line for each finding."""
    return "\n".join(str(finding) for finding in findings)
