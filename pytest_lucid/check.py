"""What a check says of itself, beside the claim that its function makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

SEVERITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True)
class Check:
    """A stable id that is never used again, how bad a failure is, and what to do then."""

    id: str
    severity: str
    remedy: str


def explain(check: Check, docstring: str) -> str:
    """What people read of a check: the section of docs/checks.md, or for a check of their own what it says itself."""
    here = Path(__file__).parent
    for document in (here / "checks.md", here.parent / "docs" / "checks.md"):
        if document.is_file():
            for section in document.read_text("utf-8").split("\n## ")[1:]:
                if section.startswith(f"{check.id}\n"):
                    return section.strip()
    return describe(check, docstring)


def describe(check: Check, docstring: str) -> str:
    """One check in Markdown: its id, why it matters, what to do, and how bad a failure is."""
    why = " ".join(docstring.split())
    return f"{check.id}\n\n{why}\n\n- Severity: {check.severity}\n- Remedy: {check.remedy}"


def read_check(where: str, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> Check:
    """Read the arguments of a `lucid` marker; raises ConfigError, naming `where`, when they are not understood."""
    match arguments, keywords:
        case (str(identity),), {"severity": str(severity), "remedy": str(remedy), **rest} if not rest:
            if identity and remedy and severity in SEVERITIES:
                return Check(identity, severity, remedy)
    raise ConfigError(
        f"{where}: the lucid marker is not understood; expected "
        f'@pytest.mark.lucid("ID", severity="{"|".join(SEVERITIES)}", remedy="What to do.")'
    )
