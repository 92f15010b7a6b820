"""What the gateway reads from its environment beyond what every service has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_service.tokens import secret_of

if TYPE_CHECKING:
    from lucid_service.config import Environment

_MOST = 1_000_000


@dataclass(frozen=True)
class Settings:
    """The secret of the tokens, and how many requests a minute each kind of client has."""

    secret: str
    public_rate: int = 100
    token_rate: int = 1000
    admin_rate: int = 10000


def read_settings(source: Environment) -> Settings:
    """Read the settings; the rates are Lucid's unless the environment says otherwise."""
    return Settings(
        secret_of(source),
        source.integer("RATE_PUBLIC", 1, _MOST, default=Settings.public_rate),
        source.integer("RATE_TOKEN", 1, _MOST, default=Settings.token_rate),
        source.integer("RATE_ADMIN", 1, _MOST, default=Settings.admin_rate),
    )
