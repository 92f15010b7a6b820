"""Whether the image can start, and its health command too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.audit.rules import start

if TYPE_CHECKING:
    from pytest_lucid.audit.audit import Audit


@pytest.mark.lucid(
    "DKF-START",
    severity="critical",
    remedy="Name a program of the base or of the copied files, by its path; mind the base's own ENTRYPOINT.",
)
def test_program_can_start(lucid_audit: Audit) -> None:
    """ENTRYPOINT and CMD are one argv, after the base's own ENTRYPOINT; its program exists and has something to run."""
    assert not lucid_audit(start.missing_program)


@pytest.mark.lucid(
    "DKF-MODULE", severity="critical", remedy="Copy the module, set PYTHONPATH to its folder, or correct its name."
)
def test_module_is_copied(lucid_audit: Audit) -> None:
    """The module or script that the image starts is where the interpreter looks for it."""
    assert not lucid_audit(start.missing_module)


@pytest.mark.lucid(
    "DKF-PROBE",
    severity="high",
    remedy="Start the interpreter with the service's own probe; ask /health on the service's port.",
)
def test_health_command_works(lucid_audit: Audit) -> None:
    """The health command can start in the image, asks the service's port and path, and allows for the speed of a Pi."""
    assert not lucid_audit(start.failing_probe)
