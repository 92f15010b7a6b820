"""Inventories of images made of a few files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from saved import layer

from pytest_lucid.content.forbidden import Vocabulary
from pytest_lucid.image.inventory import Inventory
from pytest_lucid.image.layer import read_layer
from pytest_lucid.image.layer_cache import LayerCache
from pytest_lucid.image.scan import Scanner
from pytest_lucid.image.tools import load_toolbox
from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from saved import Tree


@pytest.fixture
def scanner() -> Scanner:
    return Scanner(load_toolbox(), ("app/",), Vocabulary(load_matrix(None).forbidden_words()))


@pytest.fixture
def cache(scanner: Scanner) -> LayerCache:
    """Nothing is kept between tests."""
    return LayerCache(scanner)


@pytest.fixture
def inventory(scanner: Scanner) -> Callable[..., Inventory]:
    """An inventory of the layers given, lowest first."""

    def inventory(*trees: Tree) -> Inventory:
        return Inventory("test", tuple(read_layer(io.BytesIO(layer(tree)), scanner) for tree in trees))

    return inventory
