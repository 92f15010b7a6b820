"""The waivers and ignores of this tree. One whose check passes is reported by the waived cell itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.matrix import Matrix, Waiver


@pytest.mark.lucid("WVR-FORCE", severity="high", remedy="Mend what it excused, or decide again and give another date.")
def test_waiver_is_in_force(lucid_waiver: Waiver) -> None:
    """No waiver is past its last day: an accepted risk is reviewed and not forgotten."""
    assert lucid_waiver.is_in_force, (
        f"the waiver of {lucid_waiver.check} for {lucid_waiver.service} expired on {lucid_waiver.expires}"
    )


@pytest.mark.lucid("WVR-SERVICE", severity="medium", remedy="Delete it from lucid.toml, or correct the name.")
def test_waiver_names_a_service(lucid_matrix: Matrix, lucid_waiver: Waiver) -> None:
    """Every waiver names a service of the matrix: any other is misspelt or left over."""
    names = [*(service.name for service in lucid_matrix.service), "other-dockerfiles"]
    assert any(lucid_waiver.covers(lucid_waiver.check, name) for name in names), (
        f"{lucid_waiver.service} matches none of {names}"
    )


@pytest.mark.lucid("WVR-CHECK", severity="medium", remedy="Delete it from lucid.toml, or correct the id.")
def test_waiver_names_a_check(lucid_waiver: Waiver, lucid_known_checks: Collection[str]) -> None:
    """Every waiver names a check that exists: a misspelt or outdated waiver excuses nothing."""
    matched = any(map(lucid_waiver.speaks_of, lucid_known_checks))
    assert matched, f"{lucid_waiver.check} matches none of the {len(lucid_known_checks)} checks that are known here"


@pytest.mark.lucid(
    "WVR-IGNORE",
    severity="low",
    demand="path_ignores",
    remedy="Delete it from lucid.toml, or correct its check or path.",
)
def test_path_ignore_is_needed(lucid_needless_ignores: tuple[Finding, ...]) -> None:
    """Every [[ignore]] of lucid.toml excuses something somewhere in the tree: a left-over hides the next defect."""
    assert not lucid_needless_ignores
