from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from saved import config, lay_out, layer, save

from pytest_lucid.errors import ConfigError
from pytest_lucid.image.saved import read_path

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.image.layer_cache import LayerCache

LAYERS = [layer({"a": b"one", "b": b"two"}), layer({"c": b"three", ".wh.a": b""})]


def test_every_form_of_an_image_has_the_same_facts(tmp_path: Path, cache: LayerCache) -> None:
    document = config(LAYERS)
    forms = [
        save(tmp_path / "plain.tar", LAYERS, document),
        save(tmp_path / "compressed.tar", LAYERS, document, compressed=True),
        lay_out(tmp_path / "layout", LAYERS, document),
    ]
    facts = []
    for form in forms:
        ((image, inventory),) = read_path(form, cache).images()
        assert image.created is not None
        facts.append(
            (image.tags, image.user, image.architecture, image.created.isoformat(), image.layers, image.history)
        )
        assert set(inventory.merged) == {"b", "c"}
        assert [where for where, _ in inventory.everywhere] == [
            "/a (layer 1, hidden by a later one)",
            "/b (layer 1)",
            "/c (layer 2)",
        ]
    assert facts[0] == facts[1] == facts[2]


def test_a_layer_that_is_not_what_it_is_called_is_refused(tmp_path: Path, cache: LayerCache) -> None:
    forged = save(tmp_path / "forged.tar", [layer({"a": b"other"}), LAYERS[1]], config(LAYERS))
    with pytest.raises(ConfigError, match=r"forged\.tar: layer sha256:.* of test:1 is not in it, or its content is"):
        list(read_path(forged, cache).images())


@pytest.mark.parametrize(
    "content", [b"", b"no archive", layer({"readme.txt": b"nothing"})], ids=["empty", "text", "tar"]
)
def test_what_is_no_image_ends_in_one_message(tmp_path: Path, cache: LayerCache, content: bytes) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"x\.tar: no .*docker save"):
        list(read_path(path, cache).images())


def test_a_layer_in_zstandard_is_refused_with_a_remedy(tmp_path: Path, cache: LayerCache) -> None:
    (tmp_path / "layer").write_bytes(b"\x28\xb5\x2f\xfd rest")
    with pytest.raises(ConfigError, match=r"compressed with Zstandard; save the image with gzip"):
        read_path(tmp_path, cache)
