"""How often each client may ask. Who it is, the caller knows; headers such as X-Forwarded-For never say."""

from __future__ import annotations

import ipaddress
import math
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from lucid_service.errors import ApiError

if TYPE_CHECKING:
    from lucid_service.tokens import Identity

    from lucid_api_gateway.settings import Settings

_IPV6_NETWORK = 64
"""Bits of the network that one IPv6 client usually has to itself."""


class Rates:
    """Counts requests by client in a window that slides over a minute."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._public = RateLimitItemPerMinute(settings.public_rate)
        self._by_role = {
            "reader": RateLimitItemPerMinute(settings.token_rate),
            "user": RateLimitItemPerMinute(settings.token_rate),
            "admin": RateLimitItemPerMinute(settings.admin_rate),
        }

    def count_public(self, address: str) -> None:
        """Count a request without a token, by the address of its connection. Raises ApiError 429 beyond the rate."""
        self._count(self._public, "address", _network(address))

    def count_token(self, identity: Identity) -> None:
        """Count a request with a token, by its subject. Raises ApiError 429 beyond the rate of its role."""
        self._count(self._by_role[identity.role], identity.role, identity.subject)

    def _count(self, rate: RateLimitItemPerMinute, kind: str, client: str) -> None:
        if self._limiter.hit(rate, kind, client):
            return
        wait = max(1, math.ceil(self._limiter.get_window_stats(rate, kind, client).reset_time - time.time()))
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too many requests.",
            {"per_minute": rate.amount, "retry_after": wait},
            headers={"Retry-After": str(wait)},
        )


def _network(address: str) -> str:
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
    return address
