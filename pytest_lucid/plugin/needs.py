"""Which facts each fixture needs, as it declares itself, so that all can be asked for before the first test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pytest_lucid.target.need import Need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

F = TypeVar("F", bound="Callable[..., Any]")
DECLARED: dict[str, frozenset[Need]] = {}


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
