"""Isolation by content: what the rules of the matrix forbid to a service, its image does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.image import mentions

if TYPE_CHECKING:
    from pytest_lucid.content.forbidden import Vocabulary
    from pytest_lucid.image.config import Image
    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.matrix import Service

REMEDY = "Remove it; the rule in the matrix says whose it is."


@pytest.mark.lucid("IMG-TRON-NAME", severity="critical", remedy=REMEDY)
def test_nothing_is_named_after_tron(lucid_inventory: Inventory, lucid_vocabulary: Vocabulary) -> None:
    """No package, module or file of any layer has a forbidden name, not even one that a later layer deletes."""
    assert not list(mentions.named(lucid_inventory, lucid_vocabulary))


@pytest.mark.lucid("IMG-TRON-IMPORT", severity="critical", remedy=REMEDY)
def test_nothing_imports_tron(lucid_texts: Inventory, lucid_vocabulary: Vocabulary) -> None:
    """No source file imports a module that is forbidden to the service, judged by the syntax tree."""
    assert not list(mentions.imported(lucid_texts, lucid_vocabulary))


@pytest.mark.lucid("IMG-TRON-WORD", severity="critical", remedy=REMEDY)
def test_nothing_speaks_of_tron(
    lucid_service: Service, lucid_image: Image, lucid_texts: Inventory, lucid_vocabulary: Vocabulary
) -> None:
    """No code, configuration or bytecode contains a forbidden name, host, variable or network."""
    prefix = lucid_image.environment.get("PYTHONPYCACHEPREFIX", "")
    assert not list(mentions.said(lucid_texts, prefix, lucid_vocabulary, knows_url=lucid_service.knows_payment_url))


@pytest.mark.lucid("IMG-TRON-ARCHIVE", severity="critical", remedy=REMEDY)
def test_no_archive_holds_tron(lucid_texts: Inventory, lucid_vocabulary: Vocabulary) -> None:
    """No archive contains what is forbidden, at any depth; an unreadable archive counts as one that does."""
    assert not list(mentions.packed(lucid_texts, lucid_vocabulary))
