"""The packages that pip installs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.audit.rules import dependencies

if TYPE_CHECKING:
    from pytest_lucid.audit.audit import Audit


@pytest.mark.lucid(
    "DKF-PACKAGES",
    severity="critical",
    remedy="Copy them to a folder on sys.path of the image, or name theirs in PYTHONPATH.",
)
def test_packages_are_found(lucid_audit: Audit) -> None:
    """What the builder installs ends up where the image's interpreter looks, for the user of the image."""
    assert not lucid_audit(dependencies.unreachable_packages)


@pytest.mark.lucid(
    "DKF-SCRIPTS",
    severity="critical",
    remedy="Make the environment with the interpreter's path in the image, or start python -m.",
)
def test_scripts_find_their_interpreter(lucid_audit: Audit) -> None:
    """Console scripts and virtual environments name an interpreter that is in the image."""
    assert not lucid_audit(dependencies.broken_scripts)


@pytest.mark.lucid(
    "DKF-PINNED", demand="content.hashed", severity="medium", remedy="Pin it with ==, or in a constraints file."
)
def test_requirements_are_pinned(lucid_audit: Audit) -> None:
    """Every requirement is pinned to one version, so that two builds of one commit are the same."""
    assert not lucid_audit(dependencies.unpinned)


@pytest.mark.lucid(
    "DKF-HASHED",
    demand="content.hashed",
    severity="medium",
    remedy="Write the hashes too, with `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`.",
)
def test_requirements_are_hashed(lucid_audit: Audit) -> None:
    """Every requirement has a hash, so that what is installed is what was reviewed."""
    assert not lucid_audit(dependencies.unhashed)


@pytest.mark.lucid(
    "DKF-DEVTOOLS",
    demand="content.hashed",
    severity="medium",
    remedy="Move it to a file that the image does not install.",
)
def test_no_development_tools(lucid_audit: Audit) -> None:
    """No tool for development is among the packages of the image."""
    assert not lucid_audit(dependencies.development_tools)
