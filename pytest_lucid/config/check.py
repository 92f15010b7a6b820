"""What a check says of itself, beside the claim that its function makes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SEVERITIES = ("low", "medium", "high", "critical")
FIRST_VERSION = "0.1"
MARKED = re.compile(r"""\.lucid\(\s*["']([^"']+)["']""")


@dataclass(frozen=True)
class Check:
    """A stable id that is never used again, a severity, a remedy, and the first version with the check.

    `demands` are the keys of the matrix that the check needs: where one is not written, the check is not made. A check
    that `decides` is the one that reports name where others fail for the same reason.
    """

    id: str
    severity: str
    remedy: str
    demands: tuple[str, ...] = ()
    since: str = FIRST_VERSION
    decides: bool = False


def shipped() -> dict[str, str]:
    """The checks of this package's own suite: id → its page, docs/checks/ID.md, in Markdown."""
    package = Path(__file__).parents[1]
    for folder in (package / "checks", package.parent / "docs" / "checks"):
        if folder.is_dir():
            pages = (page for page in folder.glob("*.md") if page.stem != "README")
            return {page.stem: page.read_text("utf-8").removeprefix("# ").strip() for page in pages}
    return {}


def written_in(places: Iterable[Path]) -> frozenset[str]:
    """The ids of the checks that Python files mark, found without importing any; a place is a file or a folder."""
    files = (file for place in places for file in (place.rglob("*.py") if place.is_dir() else (place,)))
    return frozenset(identity for file in files for identity in MARKED.findall(file.read_text("utf-8", "replace")))


def explain(check: Check, docstring: str) -> str:
    """What people read of a check: the page in docs/checks, or for a check of their own what it says itself."""
    return shipped().get(check.id) or describe(check, docstring)


def describe(check: Check, docstring: str) -> str:
    """One check in Markdown: its id, why it matters, what to do, and how bad a failure is."""
    why = " ".join(docstring.split())
    return f"{check.id}\n\n{why}\n\n- Severity: {check.severity}\n- Remedy: {check.remedy}"


def read_check(where: str, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> Check:
    """Read the arguments of a `lucid` marker; raises ConfigError, naming `where`, when they are not understood."""
    match arguments, {"since": FIRST_VERSION, "demand": (), "decides": False, **keywords}:
        case (
            (str(identity),),
            {
                "severity": str(severity),
                "remedy": str(remedy),
                "since": str(since),
                "demand": demand,
                "decides": bool(decides),
                **rest,
            },
        ) if not rest:
            demands = _demands(demand)
            if identity and remedy and since and severity in SEVERITIES and demands is not None:
                return Check(identity, severity, remedy, demands, since, decides)
    raise ConfigError(
        f"{where}: invalid lucid marker; expected "
        f'@pytest.mark.lucid("ID", severity="{"|".join(SEVERITIES)}", remedy="What to do."), '
        'perhaps with demand="KEY", a key of the matrix, or several'
    )


def _demands(given: object) -> tuple[str, ...] | None:
    """The keys in the argument `demand` of a marker, one or several; None for anything else."""
    keys = (given,) if isinstance(given, str) else given
    if not isinstance(keys, (tuple, list)) or not all(isinstance(key, str) for key in keys):
        return None
    return tuple(keys)
