"""What each fixture declares of itself: the facts that it needs of a host, and the keys of the matrix that it demands.

So all facts can be asked for before the first test, and no test is collected for a row that has no such key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pytest_lucid.target.need import Need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

F = TypeVar("F", bound="Callable[..., Any]")
DECLARED: dict[str, frozenset[Need]] = {}
DEMANDED: dict[str, tuple[str, ...]] = {}


def needs(*wanted: Need) -> Callable[[F], F]:
    """Declare what a fixture asks a host for; what the fixtures ask for that it takes is declared by those."""

    def declare(function: F) -> F:
        DECLARED[function.__name__] = frozenset(wanted)
        return function

    return declare


def needs_of(items: Iterable[pytest.Item]) -> frozenset[Need]:
    """What the fixtures of all these tests declare."""
    names = {name for item in items for name in getattr(item, "fixturenames", ())}
    return frozenset[Need]().union(*(DECLARED.get(name, ()) for name in names))


def demands(*keys: str) -> Callable[[F], F]:
    """Declare the keys of the matrix without which a fixture has nothing to hand over."""

    def declare(function: F) -> F:
        DEMANDED[function.__name__] = keys
        return function

    return declare


def demands_of(item: pytest.Function) -> tuple[str, ...]:
    """The keys of the matrix that the fixtures of a test declare."""
    return tuple(key for name in item.fixturenames for key in DEMANDED.get(name, ()))
