"""Whether the image can start, and its health command too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.review import start
from pytest_lucid.review.finding import listing

if TYPE_CHECKING:
    from pytest_lucid.review.review import Review


@pytest.mark.lucid(
    "DKF-START",
    severity="critical",
    remedy="Name a program of the base or of the copied files, by its path; mind the base's own ENTRYPOINT.",
)
def test_program_can_start(review: Review) -> None:
    """ENTRYPOINT and CMD are one argv, after the base's own ENTRYPOINT; its program exists and has something to run."""
    findings = review(start.missing_program)
    assert not findings, listing(findings)


@pytest.mark.lucid(
    "DKF-MODULE", severity="critical", remedy="Copy the module, set PYTHONPATH to its folder, or correct its name."
)
def test_module_is_copied(review: Review) -> None:
    """The module or script that is started lies where the interpreter looks for it."""
    findings = review(start.missing_module)
    assert not findings, listing(findings)


@pytest.mark.lucid(
    "DKF-PROBE",
    severity="high",
    remedy="Start the interpreter with the service's own probe; ask /health on the service's port.",
)
def test_health_command_works(review: Review) -> None:
    """The health command can start in the image, asks the service's port and path, in times that a Pi keeps."""
    findings = review(start.failing_probe)
    assert not findings, listing(findings)
