"""The bill of materials, as any reader of CycloneDX takes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.image.config import Image
from pytest_lucid.image.sbom import bill_of_materials

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.image.inventory import Inventory

DOCUMENT = {"Id": "sha256:1", "Config": {"Labels": {"version": "1.2"}}, "RootFS": {"Layers": []}}


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("lucid-data-chain:latest", "lucid-data-chain"),
        ("localhost:5000/lucid/data-chain", "localhost:5000/lucid/data-chain"),
        ("localhost:5000/lucid/data-chain:1", "localhost:5000/lucid/data-chain"),
        (f"data-chain@sha256:{'0' * 64}", "data-chain"),
    ],
)
def test_the_component_is_called_as_the_image_is(
    inventory: Callable[..., Inventory], reference: str, name: str
) -> None:
    bill = json.loads(bill_of_materials(Image(reference, DOCUMENT), inventory({"a": b"a"})))
    component = bill["metadata"]["component"]
    assert (component["name"], component["version"], component["type"]) == (name, "1.2", "container")
