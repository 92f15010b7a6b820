"""Who can write what in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.review import ownership
from pytest_lucid.review.finding import listing

if TYPE_CHECKING:
    from pytest_lucid.review.review import Review


@pytest.mark.lucid(
    "DKF-CODE",
    severity="high",
    remedy="Leave code to root: copy it without --chown, and without write permission for others.",
)
def test_code_is_not_writable(review: Review) -> None:
    """The user that runs the code cannot change it, so a break-in does not outlive a restart."""
    findings = review(ownership.writable_code)
    assert not findings, listing(findings)


@pytest.mark.lucid(
    "DKF-STORAGE", severity="high", remedy="Make it in the builder with `install -d -o 65532 -g 65532`, and copy it."
)
def test_storage_is_writable(service_review: Review) -> None:
    """Every storage path of the matrix exists and belongs to the user, so that a fresh volume does too."""
    findings = service_review(ownership.unwritable_storage)
    assert not findings, listing(findings)
