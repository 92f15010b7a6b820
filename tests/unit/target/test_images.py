"""Images of a run: from files, which need no engine, and from an engine in one stream."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from local_engine import LocalEngine, reached
from saved import config, lay_out, layer, save

from pytest_lucid.config.settings import read_settings
from pytest_lucid.errors import ConfigError, MissingError
from pytest_lucid.matrix import load_matrix
from pytest_lucid.target.images import Images, find_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_lucid.config.settings import Settings
    from pytest_lucid.matrix import Service

unix = pytest.mark.skipif(sys.platform == "win32", reason="an engine at a Unix socket")
ROWS = """
extends = "nothing"
[[service]]
name = "one"
image = "test:1"
base = "gcr.io/distroless/base-debian12"
[[service]]
name = "two"
image = "two:1"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Nothing was asked for, and nothing is kept between tests."""
    none: Callable[[str], Any] = lambda _: None  # noqa: E731 - as an option that was not given
    return replace(read_settings(cli=none, environ={}, ini=none, rootdir=tmp_path), no_cache=True)


def unreachable() -> NoReturn:
    raise AssertionError("an image from a file needs no engine")


def images(settings: Settings, tmp_path: Path, connect: Any = unreachable) -> tuple[Images, Service, Service]:
    """The images of two rows, and the rows."""
    file = tmp_path / "lucid.toml"
    file.write_text(ROWS, "utf-8")
    matrix = load_matrix(file)
    one, two = matrix.service
    return Images(settings, matrix, matrix.service, connect, {}), one, two


@pytest.fixture
def saved_file(tmp_path: Path) -> Path:
    layers = [layer({"app/main.py": b"print()\n"})]
    return save(tmp_path / "image.tar", layers, config(layers))


def test_an_image_from_a_file_needs_no_engine(settings: Settings, tmp_path: Path, saved_file: Path) -> None:
    found, one, _two = images(replace(settings, images={"one": saved_file}), tmp_path)
    assert found.is_given(one)
    image, inventory = found.image(one), found.inventory(one)
    assert (image.user, image.architecture, image.tags) == ("65532:65532", "arm64", ("test:1",))
    assert [entry.path for entry in inventory.files] == ["app/main.py"]
    # Read once: the file may be gone by then.
    saved_file.unlink()
    assert found.inventory(one) is inventory


def test_what_is_made_of_an_inventory_is_made_once(settings: Settings, tmp_path: Path, saved_file: Path) -> None:
    found, one, _two = images(replace(settings, images={"one": saved_file}), tmp_path)
    calls: list[int] = []

    def count(inventory: Any) -> int:
        calls.append(len(inventory.files))
        return calls[-1]

    assert [found.fact(one, found.inventory(one), count) for _ in range(3)] == [1, 1, 1]
    assert calls == [1]


def test_a_file_with_several_images_must_have_the_one_of_the_row(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "layout"
    layers = [layer({"a": b"a"})]
    lay_out(path, layers, config(layers))
    index = json.loads((path / "index.json").read_text("utf-8"))
    name = "org.opencontainers.image.ref.name"
    index["manifests"] = [{**index["manifests"][0], "annotations": {name: tag}} for tag in ("x:1", "y:1")]
    (path / "index.json").write_text(json.dumps(index), "utf-8")
    found, one, _two = images(replace(settings, images={"one": path}), tmp_path)
    with pytest.raises(ConfigError, match=r"expected test:1 in .*layout, or one image only; got x:1, y:1$"):
        found.image(one)
    with pytest.raises(ConfigError, match=r"expected one image, or one for .*, got x:1 \(arm64\), y:1 \(arm64\)"):
        find_image(str(path))


def test_a_base_that_was_not_given_says_how_to_give_it(settings: Settings, tmp_path: Path, saved_file: Path) -> None:
    found, one, two = images(replace(settings, images={"one": saved_file}), tmp_path)
    with pytest.raises(MissingError, match=r"add --lucid-image gcr\.io/distroless/base-debian12=PATH"):
        found.bases(one)
    assert found.bases(two) == ()


def test_the_base_comes_from_its_file(settings: Settings, tmp_path: Path, saved_file: Path) -> None:
    given = {"one": saved_file, "gcr.io/distroless/base-debian12": saved_file}
    found, one, _two = images(replace(settings, images=given), tmp_path)
    assert [base.layers for base in found.bases(one)] == [found.image(one).layers]


@unix
def test_images_of_an_engine_come_in_one_stream(settings: Settings, tmp_path: Path) -> None:
    layers = [layer({"app/main.py": b"print()\n"})]
    document = json.loads(config(layers))
    inspected = {
        "Id": "sha256:1",
        "RepoTags": ["test:1"],
        "Config": document["config"],
        "RootFS": {"Layers": document["rootfs"]["diff_ids"]},
        "Architecture": "arm64",
    }
    local = LocalEngine(
        images={"test:1": inspected}, saved=save(tmp_path / "image.tar", layers, config(layers)).read_bytes()
    )
    with reached(local, tmp_path) as engine:
        found, one, two = images(settings, tmp_path, lambda: engine)
        assert [entry.path for entry in found.inventory(one).files] == ["app/main.py"]
        with pytest.raises(MissingError, match="two:1"):
            found.inventory(two)
        assert not found.image(two).exists
        assert found.inventory(one) is found.inventory(one)
    asked = {path: count for path, count in local.requests.items() if "/images/" in path}
    assert asked == {
        "GET /images/test:1/json": 1,
        "GET /images/test:1/history": 1,
        "GET /images/two:1/json": 1,
        "GET /images/two:1/history": 1,
        "GET /images/get": 1,
    }


@unix
def test_an_image_that_cannot_be_read_is_an_error_each_time(settings: Settings, tmp_path: Path) -> None:
    layers = [layer({"a": b"a"})]
    document = json.loads(config(layers))
    inspected = {"Id": "sha256:1", "Config": {}, "RootFS": {"Layers": document["rootfs"]["diff_ids"]}}
    whole = save(tmp_path / "image.tar", layers, config(layers)).read_bytes()
    local = LocalEngine(images={"test:1": inspected}, saved=whole[:1500])
    with reached(local, tmp_path) as engine:
        found, one, _two = images(settings, tmp_path, lambda: engine)
        for _ in range(2):
            with pytest.raises(ConfigError, match="no saved image; expected what `docker save` writes"):
                found.inventory(one)
    assert local.requests["GET /images/get"] == 1


@unix
@pytest.mark.parametrize("tags", [["test:1"], []], ids=["tagged", "untagged"])
@pytest.mark.parametrize(
    "reference",
    [
        "test",
        "docker.io/library/test:1",
        "localhost/test:1",
        "registry.example:5000/a/test:1",
        f"test@sha256:{'a' * 64}",
        f"registry.example:5000/a/test:1@sha256:{'a' * 64}",
    ],
)
def test_an_image_is_found_in_the_stream_whatever_the_matrix_calls_it(
    settings: Settings, tmp_path: Path, reference: str, tags: list[str]
) -> None:
    layers = [layer({"a": b"a"})]
    document = json.loads(config(layers))
    inspected = {"Id": "sha256:1", "Config": {}, "RootFS": {"Layers": document["rootfs"]["diff_ids"]}}
    manifest = [{"Config": "c.json", "RepoTags": tags or None, "Layers": ["0/layer.tar"]}]
    parts = {"c.json": config(layers), "0/layer.tar": layers[0], "manifest.json": json.dumps(manifest).encode()}
    local = LocalEngine(images={reference: inspected}, saved=layer(parts))
    with reached(local, tmp_path) as engine:
        file = tmp_path / "lucid.toml"
        file.write_text(ROWS.replace("test:1", reference), "utf-8")
        matrix = load_matrix(file)
        found = Images(settings, matrix, matrix.service, lambda: engine, {})
        assert [entry.path for entry in found.inventory(matrix.service[0]).files] == ["a"]


@unix
def test_an_image_whose_layers_did_not_come_is_an_error(settings: Settings, tmp_path: Path) -> None:
    layers, others = [layer({"a": b"a"})], [layer({"b": b"b"})]
    inspected = {"Id": "sha256:1", "Config": {}, "RootFS": {"Layers": json.loads(config(layers))["rootfs"]["diff_ids"]}}
    local = LocalEngine(
        images={"test:1": inspected}, saved=save(tmp_path / "image.tar", others, config(others)).read_bytes()
    )
    with reached(local, tmp_path) as engine:
        found, one, _two = images(settings, tmp_path, lambda: engine)
        with pytest.raises(ConfigError, match=r"layer sha256:\w+ of test:1 is missing"):
            found.inventory(one)
