"""Who can write what in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.audit.rules import ownership

if TYPE_CHECKING:
    from pytest_lucid.audit.audit import Audit


@pytest.mark.lucid(
    "DKF-CODE",
    severity="high",
    remedy="Leave code to root: copy it without --chown, and without write permission for others.",
)
def test_code_is_not_writable(lucid_audit: Audit) -> None:
    """The user that runs the code cannot change it, so a break-in does not outlive a restart."""
    assert not lucid_audit(ownership.writable_code)


@pytest.mark.lucid(
    "DKF-STORAGE",
    demand=("user", "storage"),
    severity="high",
    remedy="Make it in the builder with `install -d -o 65532 -g 65532`, and copy it.",
)
def test_storage_is_writable(lucid_service_audit: Audit) -> None:
    """Every storage path, volume and folder of logs exists and belongs to the user, so that a fresh volume does too."""
    assert not lucid_service_audit(ownership.unwritable_storage)
