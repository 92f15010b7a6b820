"""The waivers of this tree. One whose check passes is reported by the waived cell itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_lucid.matrix import Matrix, Waiver


@pytest.mark.lucid("WVR-FORCE", severity="high", remedy="Mend what it excused, or decide again and give another date.")
def test_waiver_is_in_force(waiver: Waiver) -> None:
    """What was accepted for a while is not forgotten: after its last day a waiver excuses nothing."""
    assert waiver.is_in_force, f"the waiver of {waiver.check} for {waiver.service} expired on {waiver.expires}"


@pytest.mark.lucid("WVR-SERVICE", severity="medium", remedy="Delete it from lucid.toml, or correct the name.")
def test_waiver_names_a_service(matrix: Matrix, waiver: Waiver) -> None:
    """A waiver that speaks of no service of the matrix is a mistake, or left over."""
    names = [service.name for service in matrix.service]
    assert any(waiver.covers(waiver.check, name) for name in names), f"{waiver.service} matches none of {names}"


@pytest.mark.lucid("WVR-CHECK", severity="medium", remedy="Delete it from lucid.toml, or correct the id.")
def test_waiver_names_a_check(waiver: Waiver, known_checks: Collection[str]) -> None:
    """A waiver of no check excuses nothing: it is misspelt, or what it excused is not checked any more."""
    matched = any(map(waiver.speaks_of, known_checks))
    assert matched, f"{waiver.check} matches none of the {len(known_checks)} checks that are known here"
