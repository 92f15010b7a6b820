"""How stages and the images that they start from fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.audit.rules import dependencies, stages, support

if TYPE_CHECKING:
    from pytest_lucid.audit.audit import Audit


@pytest.mark.lucid(
    "DKF-TAG", severity="high", remedy="Use the variant without debug; name a digest where the matrix wants one."
)
def test_base_is_no_loose_variant(lucid_audit: Audit) -> None:
    """The final base is not the variant for debugging, and does not float where the matrix forbids it."""
    assert not lucid_audit(stages.loose_tag)


@pytest.mark.lucid(
    "DKF-FROM", severity="critical", remedy="Name a stage of this file, or an image with its registry or tag."
)
def test_copies_are_from_known_stages(lucid_audit: Audit) -> None:
    """Every --from names a stage that exists, or an image: the builder looks for a misspelt stage in a registry."""
    assert not lucid_audit(stages.unknown_origins)


@pytest.mark.lucid("DKF-SHELL", severity="critical", remedy="Do it in the builder stage and copy the result.")
def test_runs_have_what_they_need(lucid_audit: Audit) -> None:
    """No RUN needs a shell or a program that its stage does not have."""
    assert not lucid_audit(stages.impossible_runs)


@pytest.mark.lucid(
    "DKF-SUPPORT",
    severity="medium",
    remedy="Move to a base image that is supported, or waive it with a reason and a date.",
)
def test_bases_are_supported(lucid_audit: Audit) -> None:
    """Every base image still gets security updates from its makers, by the calendar that the suite carries."""
    assert not lucid_audit(support.unsupported_bases)


@pytest.mark.lucid(
    "DKF-PYTHON", severity="critical", remedy="Give builder and final stage the same minor version of Python."
)
def test_builder_has_same_python(lucid_audit: Audit) -> None:
    """Packages are built for the minor version of Python that runs them: compiled modules fit no other."""
    assert not lucid_audit(dependencies.other_python)


@pytest.mark.lucid("DKF-RELEASE", severity="high", remedy="Name the final stage's Debian release in the builder's tag.")
def test_builder_has_same_release(lucid_audit: Audit) -> None:
    """Packages are built on the Debian release that runs them, and the builder's tag says so."""
    assert not lucid_audit(dependencies.other_release)
