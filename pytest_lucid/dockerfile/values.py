"""Small written values to numbers: durations, ports, retries; which instruction holds them is for `resolve`."""

from __future__ import annotations

import re
from typing import TypeVar

Number = TypeVar("Number", int, float)

_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PORT = re.compile(r"(?:.*:)?(\d{1,5})(?:-(\d{1,5}))?(?:/([A-Za-z]+))?")
_HIGHEST_PORT = 65_535
_LONGEST = 64


def seconds(text: str) -> float:
    """Read a Go duration such as `1m30s`; raises ValueError, with a sentence, on anything else."""
    body = text.removeprefix("+")
    if body == "0":
        return 0.0
    if len(body) <= _LONGEST and body and _DURATION.sub("", body) == "":
        return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(body))
    raise ValueError(f"expected a duration such as 30s, found {text[:_LONGEST]!r}")


def ports(text: str) -> list[tuple[int, str]]:
    """Read EXPOSE's `8080`, `53/udp` or `8000-8005/tcp` as (number, protocol) pairs; raises ValueError on others."""
    match = _PORT.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise ValueError(f"expected a port such as 8080/tcp, found {text[:_LONGEST]!r}")
    low, high = int(match[1]), int(match[2] or match[1])
    protocol = (match[3] or "tcp").lower()
    if protocol not in {"tcp", "udp", "sctp"}:
        raise ValueError(f"expected the protocol tcp, udp or sctp, found {protocol!r}")
    if not 0 < low <= high <= _HIGHEST_PORT:
        raise ValueError(f"expected a port from 1 to {_HIGHEST_PORT}, found {text!r}")
    return [(port, protocol) for port in range(low, high + 1)]


def retries(text: str) -> int:
    """Read HEALTHCHECK's --retries; raises ValueError unless it is a whole number of at least 0."""
    if re.fullmatch(r"\+?[0-9]{1,9}", text):
        return int(text)
    raise ValueError(f"expected a number of retries, found {text[:_LONGEST]!r}")
