"""The base of the image, by content: a name or a label is only a claim."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.image.packages import os_release, packaged_files
from pytest_lucid.image.strays import strays

if TYPE_CHECKING:
    from pytest_lucid.image.config import Image
    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.image.packages import DebianPackage, Distribution
    from pytest_lucid.matrix import Service


@pytest.mark.lucid(
    "IMG-BASE", demand="base", severity="critical", remedy="Make the matrix's base the FROM of the final stage."
)
def test_layers_begin_with_base(lucid_image: Image, lucid_bases: tuple[Image, ...]) -> None:
    """The lowest layers are those of the demanded base: a FROM line or a label is only a claim."""
    assert any(base.layers and lucid_image.layers[: len(base.layers)] == base.layers for base in lucid_bases), (
        f"the layers of {lucid_image.reference} are on none of {', '.join(base.reference for base in lucid_bases)}"
    )


@pytest.mark.lucid(
    "IMG-STANDIN", demand="base", severity="medium", remedy="Keep the label lucid.standin that the base brings."
)
def test_stand_in_is_named(lucid_image: Image, lucid_bases: tuple[Image, ...]) -> None:
    """An image on a stand-in base has the label that says so, and no other image has it."""
    own = [base for base in lucid_bases if base.layers and lucid_image.layers[: len(base.layers)] == base.layers]
    if not own:
        pytest.skip("the image is on none of the bases, see IMG-BASE")
    assert bool(lucid_image.standin) == any(bool(base.standin) for base in own)


@pytest.mark.lucid(
    "IMG-DISTROLESS",
    demand="content.distroless",
    severity="high",
    remedy="Make a distroless image the FROM of the final stage.",
)
def test_distroless_marks_agree(
    lucid_service: Service, lucid_inventory: Inventory, lucid_packages: tuple[DebianPackage, ...]
) -> None:
    """The system identifies as Distroless, of the base's Debian release, and lists packages as distroless images do."""
    release = os_release(lucid_inventory)
    assert (release.get("PRETTY_NAME"), release.get("ID")) == ("Distroless", "debian")
    demanded = re.search(r"debian(\d+)", (lucid_service.base or ""))
    # A base whose name says no release may be of any that Debian has had.
    assert re.fullmatch(demanded[1] if demanded else r"\d+", release.get("VERSION_ID", "")), (
        f"VERSION_ID is {release.get('VERSION_ID')!r}; the base is {(lucid_service.base or '')}"
    )
    assert "var/lib/dpkg/status" not in lucid_inventory.merged, "there is a database of a package manager"
    assert all(package.name and package.version for package in lucid_packages)


@pytest.mark.lucid(
    "IMG-INTACT", demand="content.distroless", severity="critical", remedy="Leave the files of the base as they are."
)
def test_packaged_files_are_unchanged(lucid_inventory: Inventory, lucid_packages: tuple[DebianPackage, ...]) -> None:
    """Every file of a Debian package has the checksum that the package lists: nobody replaced it."""
    judged = list(packaged_files(lucid_inventory, lucid_packages))
    assert len(judged) > len(lucid_packages), "hardly any packaged file is in the image"
    assert not [str(entry) for entry, unchanged in judged if not unchanged]


@pytest.mark.lucid(
    "IMG-STRAY",
    demand="content.distroless",
    severity="medium",
    remedy="Keep the service's files in folders of its own, such as /app and /opt.",
)
def test_folders_of_the_base_hold_nothing_else(
    lucid_inventory: Inventory,
    lucid_base_layers: int,
    lucid_base_files: frozenset[str],
    lucid_packages: tuple[DebianPackage, ...],
    lucid_python_packages: tuple[Distribution, ...],
) -> None:
    """The folders of the base's packages hold only what the base or a package put there: any other file hides there."""
    if not lucid_base_files:
        pytest.skip("the packages of this base are not known")
    found = list(strays(lucid_inventory, lucid_base_layers, lucid_base_files, lucid_packages, lucid_python_packages))
    assert not found, ", ".join(found)
