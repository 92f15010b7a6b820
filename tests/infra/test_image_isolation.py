"""TRON isolation by content: only payment services of Phase 4 may hold TRON. The gateway may know where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.image import tron_mentions

if TYPE_CHECKING:
    from pytest_lucid.image.config import Image
    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.matrix import Service

REMEDY = "Remove it; TRON belongs to the payment services."


@pytest.mark.lucid("IMG-TRON-NAME", severity="critical", remedy=REMEDY)
def test_nothing_is_named_after_tron(lucid_inventory: Inventory) -> None:
    """No package, module or file of any layer is named after TRON, not even one that a later layer deletes."""
    assert not list(tron_mentions.named(lucid_inventory))


@pytest.mark.lucid("IMG-TRON-IMPORT", severity="critical", remedy=REMEDY)
def test_nothing_imports_tron(lucid_texts: Inventory) -> None:
    """No source file imports a module of TRON, judged by the syntax tree."""
    assert not list(tron_mentions.imported(lucid_texts))


@pytest.mark.lucid("IMG-TRON-WORD", severity="critical", remedy=REMEDY)
def test_nothing_speaks_of_tron(lucid_service: Service, lucid_image: Image, lucid_texts: Inventory) -> None:
    """No code, configuration or bytecode contains a name, host or variable of TRON, or of the payment network."""
    prefix = lucid_image.environment.get("PYTHONPYCACHEPREFIX", "")
    assert not list(tron_mentions.said(lucid_texts, prefix, knows_payment_url=lucid_service.knows_payment_url))


@pytest.mark.lucid("IMG-TRON-ARCHIVE", severity="critical", remedy=REMEDY)
def test_no_archive_holds_tron(lucid_texts: Inventory) -> None:
    """No wheel, zip or tar file contains TRON at any depth; an unreadable archive counts as one that does."""
    assert not list(tron_mentions.packed(lucid_texts))
