"""What is copied from the build context, and what comes along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.review import sources, tron
from pytest_lucid.review.finding import listing

if TYPE_CHECKING:
    from pytest_lucid.review.review import Review


@pytest.mark.lucid(
    "DKF-SOURCES",
    severity="critical",
    remedy="Correct the path: it is relative to the root of the build context; see .dockerignore.",
)
def test_sources_exist(review: Review) -> None:
    """Every source of COPY and ADD is in the build context, after .dockerignore, or in the stage it is copied from."""
    findings = review(sources.missing_sources)
    assert not findings, listing(findings)


@pytest.mark.lucid(
    "DKF-AMBIGUOUS", severity="medium", remedy="Write the path from the root of the tree, or rename one of the two."
)
def test_sources_are_unambiguous(review: Review) -> None:
    """No source has a namesake beside the Dockerfile: one of the two is meant, and the build takes the other."""
    findings = review(sources.ambiguous_sources)
    assert not findings, listing(findings)


@pytest.mark.lucid(
    "DKF-IGNORE",
    severity="medium",
    remedy="Add a .dockerignore that keeps out .git, secrets, virtual environments and tests.",
)
def test_context_is_kept_small(review: Review) -> None:
    """A .dockerignore keeps history, secrets, virtual environments and tests out of the build context."""
    findings = review(sources.leaky_context)
    assert not findings, listing(findings)


@pytest.mark.lucid("DKF-CARRIED", severity="high", remedy="Copy less, or keep it out with .dockerignore.")
def test_nothing_needless_is_carried(review: Review) -> None:
    """No secret file, test or history gets into the image with what is copied."""
    findings = review(sources.carried_files)
    assert not findings, listing(findings)


@pytest.mark.lucid(
    "DKF-TRON", severity="critical", remedy="Remove it: TRON belongs to the payment services of Phase 4."
)
def test_copied_code_is_free_of_tron(service_review: Review) -> None:
    """Nothing that is copied or set speaks of TRON, which only the isolated payment services may hold."""
    findings = service_review(tron.tron)
    assert not findings, listing(findings)
