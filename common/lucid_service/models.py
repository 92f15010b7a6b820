"""Types that several services use on the wire; a type of one service's own API belongs to that service."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

END = r"(?![\s\S])"
"""The end of a text in a pattern. A $ also matches before a final line break in Python; JSON Schema has no \\Z."""
Hash = Annotated[
    str, Meta(pattern=f"^[0-9a-f]{{64}}{END}", min_length=64, max_length=64, description="32 bytes in hex")
]
Name = Annotated[str, Meta(pattern=f"^[a-z0-9]([a-z0-9-]*[a-z0-9])?{END}", min_length=1, max_length=63)]


class Input(Struct, frozen=True, forbid_unknown_fields=True):
    """What a client sends: a field that nobody reads is a mistake of the client, which it should hear about."""


class Output(Struct, frozen=True):
    """What a service answers; also what it reads of another service, which may add fields later."""


class Error(Output, frozen=True):
    """What went wrong. The first digit of `code` tells its kind, see lucid_service.errors."""

    code: Annotated[str, Meta(pattern="^LUCID_ERR_[1-5][0-9]{3}$")]
    message: str
    details: dict[str, Any]
    request_id: str
    timestamp: str
    service: str
    version: str


class ErrorBody(Output, frozen=True):
    """The body of every answer with a status of 400 or above."""

    error: Error


class Live(Output, frozen=True):
    """What GET /health/live answers."""

    status: str
    service: str
    version: str
    timestamp: str


class Health(Live, frozen=True):
    """What GET /health answers: `dependencies` has healthy or unhealthy by the name of the container."""

    dependencies: dict[str, str]


class CircuitState(Output, frozen=True):
    """One circuit: closed, open or half-open, and how many calls failed in a row."""

    state: str
    failures: int


class CircuitStates(Output, frozen=True):
    """What GET /health/circuits answers: the circuits by the name of the container at their other end."""

    service: str
    circuits: dict[str, CircuitState]
