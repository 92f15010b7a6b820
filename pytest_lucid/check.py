"""What a check says of itself, beside the claim that its function makes."""

from __future__ import annotations

from dataclasses import dataclass
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
