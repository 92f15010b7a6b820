"""JSON Web Tokens of clients: who is it, and what may it do? What a request needs is the service's business.

Tokens are signed with HS256 and a secret that the services share; whoever signs them has it too. Only services that
check tokens install PyJWT, so nothing else of the skeleton imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

import jwt

from lucid_service.errors import ApiError

if TYPE_CHECKING:
    from lucid_service.config import Environment

VARIABLE = "JWT_SECRET"
SHORTEST_SECRET = 32
"""Characters of the secret."""
LONGEST_TOKEN = 4096
_LONGEST_SUBJECT = 128
_LEEWAY = 5
"""Seconds by which the clocks of a client and of this service may differ."""
_ROLES = ("reader", "user", "admin")

Role = Literal["reader", "user", "admin"]


@dataclass(frozen=True)
class Identity:
    """Who asks: the subject of a valid token, and its role. A reader reads, a user writes, an admin registers too."""

    subject: str
    role: Role


def secret_of(source: Environment) -> str:
    """Read the secret; without one no token is accepted, so nothing can be written."""
    return source.secret(VARIABLE, SHORTEST_SECRET)


class Tokens:
    """Checks tokens against one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def identify(self, authorization: str) -> Identity | None:
        """Return who an Authorization header speaks for, None without one. Raises ApiError 401 for any other."""
        if not authorization:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= LONGEST_TOKEN:
            raise unauthorized("The Authorization header must be a bearer token.")
        if not self._secret:
            raise unauthorized(f"No token is accepted, because {VARIABLE} is not set.")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                leeway=_LEEWAY,
                options={"require": ["exp", "sub"]},
            )
        except jwt.InvalidTokenError as error:
            raise unauthorized(f"The token is not valid: {error}") from error
        subject, role = claims["sub"], claims.get("role")
        if role not in _ROLES or not 0 < len(subject) <= _LONGEST_SUBJECT:
            raise unauthorized("The token's sub or role is not as expected.")
        return Identity(subject, role)


def unauthorized(message: str) -> ApiError:
    """Return the 401 that asks for a token."""
    return ApiError(HTTPStatus.UNAUTHORIZED, message, headers={"WWW-Authenticate": "Bearer"})


def demand(identity: Identity | None, *roles: Role) -> None:
    """Raise ApiError 401 without an identity, 403 if its role is none of `roles`."""
    if identity is None:
        raise unauthorized("This request needs a token.")
    if identity.role not in roles:
        raise ApiError(HTTPStatus.FORBIDDEN, "The token's role does not allow this request.", {"role": identity.role})
