"""What is copied from the build context, and what comes along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.audit.rules import copy_sources, isolation

if TYPE_CHECKING:
    from pytest_lucid.audit.audit import Audit


@pytest.mark.lucid(
    "DKF-SOURCES",
    severity="critical",
    remedy="Correct the path: it is relative to the root of the build context; see .dockerignore.",
)
def test_sources_exist(lucid_audit: Audit) -> None:
    """Every source of COPY and ADD is in the build context, after .dockerignore, or in the stage it is copied from."""
    assert not lucid_audit(copy_sources.missing_sources)


@pytest.mark.lucid(
    "DKF-BUILT", severity="low", remedy="Build it in a stage of the Dockerfile, or say in the README what makes it."
)
def test_sources_are_in_a_clone(lucid_audit: Audit) -> None:
    """A clone builds as it stands: no source is the product of a build that has to run first."""
    assert not lucid_audit(copy_sources.build_products)


@pytest.mark.lucid(
    "DKF-AMBIGUOUS", severity="medium", remedy="Write the path from the root of the tree, or rename one of the two."
)
def test_sources_are_unambiguous(lucid_audit: Audit) -> None:
    """No source has a namesake beside the Dockerfile: the author may mean one file, and the build copies the other."""
    assert not lucid_audit(copy_sources.ambiguous_sources)


@pytest.mark.lucid(
    "DKF-IGNORE",
    severity="medium",
    remedy="Add a .dockerignore that keeps out .git, secrets, virtual environments and tests.",
)
def test_context_is_kept_small(lucid_audit: Audit) -> None:
    """A .dockerignore keeps history, secrets, virtual environments and tests out of the build context."""
    assert not lucid_audit(copy_sources.leaky_context)


@pytest.mark.lucid("DKF-CARRIED", severity="high", remedy="Copy less, or keep it out with .dockerignore.")
def test_nothing_needless_is_carried(lucid_audit: Audit) -> None:
    """No secret file, test or history gets into the image with what is copied."""
    assert not lucid_audit(copy_sources.carried_files)


@pytest.mark.lucid(
    "DKF-TRON", demand="forbidden", severity="critical", remedy="Remove it; the rule in the matrix says whose it is."
)
def test_copied_code_is_free_of_tron(lucid_service_audit: Audit) -> None:
    """Nothing that is copied or set contains what the matrix forbids to the service, such as TRON."""
    assert not lucid_service_audit(isolation.forbidden_words)
