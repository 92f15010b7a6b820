"""The follower of a bring-up: lines, and the state of each service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

BUILDING, BUILT, STARTING, HEALTHY = "building", "built", "starting", "healthy"


@runtime_checkable
class Follower(Protocol):
    """Takes lines as any function does, and states of services besides."""

    def __call__(self, line: str) -> None:
        """Take a line."""

    def service(self, name: str, state: str) -> None:
        """Take the state of a service, which may be the one that it had."""


def nobody(line: str) -> None:
    """Take a line for nobody."""


def tell(progress: Callable[[str], None], name: str, state: str) -> None:
    """Tell the state of a service to those who want to know."""
    if isinstance(progress, Follower):
        progress.service(name, state)
