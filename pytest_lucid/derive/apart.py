"""Which containers must not reach each other: those without a network in common."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.derive.seen import SeenContainer


def apart_from(each: SeenContainer, others: Sequence[SeenContainer]) -> list[str]:
    """The names of `others` that `each` has no network in common with, and no way to through the host.

    Of those into which nobody can look nothing is said: whether they answer at all would not be known.
    """
    if not _is_inside(each):
        return []
    own = each.container.networks.keys()
    return sorted(
        other.container.name
        for other in others
        if _is_inside(other) and not own & other.container.networks.keys() and not _is_public(other)
    )


def _is_inside(seen: SeenContainer) -> bool:
    can_be_seen = seen.declared_by or seen.runtime
    return bool(can_be_seen and seen.container.networks and not seen.ends and not seen.container.shared_namespaces)


def _is_public(seen: SeenContainer) -> bool:
    ports = (seen.container.document or {})["NetworkSettings"].get("Ports") or {}
    addresses = [str(binding.get("HostIp") or "0.0.0.0") for bound in ports.values() for binding in bound or ()]  # noqa: S104 - read, not bound
    return any(not ip_address(address).is_loopback for address in addresses)
