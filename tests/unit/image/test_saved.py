from __future__ import annotations

import gzip
import hashlib
import json
import sys
from typing import TYPE_CHECKING

import pytest
from saved import config, lay_out, layer, save

from pytest_lucid.errors import ConfigError
from pytest_lucid.image.saved import read_path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

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
    with pytest.raises(ConfigError, match=r"forged\.tar: layer sha256:.* of test:1 is missing, or its content is"):
        list(read_path(forged, cache).images())


@pytest.mark.parametrize(
    "content", [b"", b"no archive", layer({"readme.txt": b"nothing"})], ids=["empty", "text", "tar"]
)
def test_what_is_no_image_ends_in_one_message(tmp_path: Path, cache: LayerCache, content: bytes) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"x\.tar: no .*docker save"):
        list(read_path(path, cache).images())


def index(path: Path, *entries: dict[str, object]) -> None:
    (path / "index.json").write_text(json.dumps({"manifests": list(entries)}))


def blob(path: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    (path / "blobs" / "sha256" / digest).write_bytes(data)
    return f"sha256:{digest}"


def manifest(path: Path, layers: list[bytes], document: bytes, **more: object) -> str:
    """Write the blobs of an image; returns the digest of its manifest."""
    config_blob = {"digest": blob(path, document), "mediaType": "application/vnd.oci.image.config.v1+json"}
    blobs = [{"digest": blob(path, d), "mediaType": "application/vnd.oci.image.layer.v1.tar+zstd"} for d in layers]
    return blob(path, json.dumps({"config": config_blob, "layers": blobs, **more}).encode())


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "layout", LAYERS, config(LAYERS))


def test_layers_in_zstandard(layout: Path, cache: LayerCache) -> None:
    index(layout, {"digest": manifest(layout, [zstd.compress(data) for data in LAYERS], config(LAYERS))})
    ((_, inventory),) = read_path(layout, cache).images()
    assert set(inventory.merged) == {"b", "c"}


@pytest.mark.parametrize(
    "damaged",
    [gzip.compress(LAYERS[0])[:-9], zstd.compress(LAYERS[0])[:-3], LAYERS[0][:700]],
    ids=["gzip", "zstandard", "tar"],
)
def test_damaged_layer_is_named(tmp_path: Path, cache: LayerCache, damaged: bytes) -> None:
    path = save(tmp_path / "x.tar", [damaged, LAYERS[1]], config(LAYERS))
    with pytest.raises(ConfigError, match=r"layer sha256:.* is missing.*; 0/layer\.tar: .*save the image again"):
        list(read_path(path, cache).images())


def test_an_index_with_attestations_and_absent_platforms(layout: Path, cache: LayerCache) -> None:
    image = manifest(layout, LAYERS, config(LAYERS))
    attestation = manifest(layout, [b"{}"], b"{}")
    signature = {"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": "sha256:" + "2" * 64}
    signed = blob(
        layout, json.dumps({"config": {"digest": blob(layout, config(LAYERS))}, "layers": [signature]}).encode()
    )
    platforms = {
        "manifests": [
            {"digest": image, "platform": {"os": "linux", "architecture": "arm64"}},
            {"digest": "sha256:" + "1" * 64, "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": attestation, "platform": {"os": "unknown", "architecture": "unknown"}},
            {"digest": attestation, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}},
            {"digest": signed},
        ]
    }
    inner = blob(layout, json.dumps(platforms).encode())
    index(layout, {"digest": inner, "annotations": {"io.containerd.image.name": "test:2"}})
    ((found, _),) = read_path(layout, cache).images()
    assert found.tags == ("test:2",)


def test_an_index_of_which_nothing_is_there(layout: Path, cache: LayerCache) -> None:
    index(layout, {"digest": "sha256:" + "1" * 64, "platform": {"os": "linux", "architecture": "amd64"}})
    with pytest.raises(ConfigError, match=r"layout: linux/amd64 are listed and not in it; save the image again"):
        list(read_path(layout, cache).images())


def platforms(layout: Path, *descriptors: str) -> None:
    """Make an image for several platforms of these manifests, as a registry or BuildKit does."""
    inner = {"manifests": [{"digest": digest} for digest in descriptors]}
    index(
        layout, {"digest": blob(layout, json.dumps(inner).encode()), "annotations": {"io.containerd.image.name": "a:1"}}
    )


def test_every_platform_that_is_there(layout: Path, cache: LayerCache) -> None:
    other = [layer({"x": b"of the other"})]
    amd64 = config(other).replace(b"arm64", b"amd64")
    platforms(layout, manifest(layout, LAYERS, config(LAYERS)), manifest(layout, other, amd64))
    found = {image.architecture: (image.tags, set(files.merged)) for image, files in read_path(layout, cache).images()}
    assert found == {"arm64": (("a:1",), {"b", "c"}), "amd64": (("a:1",), {"x"})}


@pytest.mark.parametrize("gone", ["configuration", "layers"])
def test_a_platform_of_which_only_the_manifest_is_there(layout: Path, cache: LayerCache, gone: str) -> None:
    other = [layer({"x": b"of the other"})]
    amd64 = config(other).replace(b"arm64", b"amd64")
    platforms(layout, manifest(layout, other, amd64), manifest(layout, LAYERS, config(LAYERS)))
    for data in [amd64] if gone == "configuration" else other:
        (layout / "blobs" / "sha256" / hashlib.sha256(data).hexdigest()).unlink()
    ((image, _),) = read_path(layout, cache).images()
    assert image.architecture == "arm64"


def test_an_index_that_names_itself(layout: Path, cache: LayerCache) -> None:
    digest = "sha256:" + "3" * 64
    (layout / "blobs" / "sha256" / ("3" * 64)).write_text(json.dumps({"manifests": [{"digest": digest}]}))
    index(layout, {"digest": digest})
    with pytest.raises(ConfigError, match=r"indexes in indexes, more than 4 deep"):
        list(read_path(layout, cache).images())


def test_a_containerd_store_saves_blobs_and_a_manifest(tmp_path: Path, cache: LayerCache) -> None:
    names = [f"blobs/sha256/{hashlib.sha256(data).hexdigest()}" for data in LAYERS]
    path = save(tmp_path / "x.tar", LAYERS, config(LAYERS), compressed=True, names=names)
    ((_, inventory),) = read_path(path, cache).images()
    assert set(inventory.merged) == {"b", "c"}


@pytest.mark.parametrize("name", ["[", "{", "[[a]]/{}", '{"a": 1}'])
def test_layer_that_begins_like_json(tmp_path: Path, cache: LayerCache, name: str) -> None:
    layers = [layer({name: b"x"})]
    ((_, inventory),) = read_path(save(tmp_path / "x.tar", layers, config(layers)), cache).images()
    assert [entry.path for entry in inventory.files] == [name]


DEEP = b"[" * 200_000


@pytest.mark.parametrize(
    "document",
    [
        DEEP,
        b'{"rootfs": ' + DEEP,
        b'{"rootfs": {"diff_ids": []}, "config": {"Labels": ' + b'{"a": ' * 100_000,
        b"{",
        b"{}",
        b"[]",
        b'{"rootfs": null}',
        b'{"rootfs": {"diff_ids": 1}}',
        b'{"rootfs": {"diff_ids": []}, "config": {"Env": "A=1"}}',
        b'{"rootfs": {"diff_ids": []}, "history": {}}',
    ],
    ids=lambda document: document[:30].decode(),
)
def test_bad_configuration_ends_in_one_message(tmp_path: Path, cache: LayerCache, document: bytes) -> None:
    path = save(tmp_path / "x.tar", LAYERS, document)
    with pytest.raises(ConfigError, match=r"x\.tar: c\.json.*: .*; expected what `docker save` writes; save the image"):
        list(read_path(path, cache).images())


@pytest.mark.parametrize(
    "document", [DEEP, b"{}", b"[{}]", b'[{"Config": 1}]'], ids=["deep", "object", "empty", "type"]
)
def test_bad_manifest_ends_in_one_message(tmp_path: Path, cache: LayerCache, document: bytes) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(layer({"manifest.json": document}))
    with pytest.raises(ConfigError, match=r"x\.tar: manifest\.json.*: .*; expected what `docker save` writes"):
        list(read_path(path, cache).images())


def test_documents_have_a_bound(tmp_path: Path, cache: LayerCache) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(layer({"manifest.json": b"[" + b" " * (8 << 20)}))
    with pytest.raises(ConfigError, match=r"manifest\.json has 8388609 bytes; expected at most 8388608"):
        read_path(path, cache)
