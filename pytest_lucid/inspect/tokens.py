"""Tokens for the gateway: one that holds, and those that must not. Asking with them belongs elsewhere.

The secret is in the container's variables, where everybody with access to the engine sees it; no report shows it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "JWT_SECRET"  # noqa: S105 - the name of a variable
LIFE_SECONDS = 120
FOREIGN = "x" * 64


def token(secret: str, subject: str, role: str) -> str:
    """A token that holds for two minutes, signed with HS256."""
    return _signed(secret, _claims(subject, role))


def bearer(value: str) -> Mapping[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {value}"}


def false_tokens(secret: str, subject: str) -> Mapping[str, str]:
    """Tokens of an admin that must be refused: what is wrong with it → token."""
    claims = _claims(subject, "admin")
    endless = {name: value for name, value in claims.items() if name != "exp"}
    return {
        "signed with another secret": _signed(FOREIGN, claims),
        "not signed (alg none)": jwt.encode(claims, "", algorithm="none"),
        "signed with another algorithm (HS512)": _signed(secret, claims, "HS512"),
        "expired": _signed(secret, {**claims, "exp": int(time.time()) - LIFE_SECONDS}),
        "without an end": _signed(secret, endless),
        "no token": "nothing",
    }


def _claims(subject: str, role: str) -> dict[str, Any]:
    return {"sub": subject, "role": role, "exp": int(time.time()) + LIFE_SECONDS}


def _signed(secret: str, claims: Mapping[str, Any], algorithm: str = "HS256") -> str:
    return jwt.encode(dict(claims), secret, algorithm=algorithm)
