"""Layers that were read before: the same facts again, and never those of another layer."""

from __future__ import annotations

import compileall
import io
import os
import shutil
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from saved import config, layer, save

from pytest_lucid.config.cache import KEPT_SECONDS
from pytest_lucid.errors import ConfigError
from pytest_lucid.image.layer_cache import LayerCache
from pytest_lucid.image.saved import read_path
from pytest_lucid.image.scan import Scanner

if TYPE_CHECKING:
    from saved import Tree

NAME = f"{'a1' * 32}/layer.tar"
OTHER = layer({"a": b"other"})


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Files of every kind that something is remembered of."""
    source = b"import tronpy\nURL = 'https://api.trongrid.io'\n"
    (tmp_path / "x.py").write_bytes(source)
    compileall.compile_file(tmp_path / "x.py", quiet=1, legacy=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("tronpy/__init__.py", "import tronpy")
    return {
        "app/x.py": source,
        "app/x.pyc": (tmp_path / "x.pyc").read_bytes(),
        "app/packed.whl": packed.getvalue(),
        "etc/passwd": "r\xf6\xf6t:x:0:0".encode("latin-1"),
        "usr/bin/python": Path(sys.executable).resolve().read_bytes(),
        "usr/lib/key": b"AKIAQWERTYUIOPASDFGH",
        "opt/.wh.gone": b"",
        "srv/.wh..wh..opq": b"",
    }


def test_facts_are_the_same_in_a_later_run(tmp_path: Path, scanner: Scanner, tree: Tree) -> None:
    data = layer(tree)
    first = LayerCache(scanner, tmp_path / "cache").read("layer.tar", io.BytesIO(data))
    assert first
    assert LayerCache(scanner, tmp_path / "cache").find(first.diff_id) == first
    contents = [entry.content for entry in first.entries.values()]
    assert all(any(getattr(c, name) for c in contents) for name in ("text", "elf", "secrets", "bytecode", "packed"))
    assert first.removed == {"opt/gone"}
    assert first.emptied == {"srv"}


def test_layer_of_a_known_name_is_hashed_and_not_looked_into(tmp_path: Path, scanner: Scanner) -> None:
    LayerCache(scanner, tmp_path).read(NAME, io.BytesIO(OTHER))
    later = LayerCache(scanner, tmp_path)
    found = later.read(NAME, io.BytesIO(OTHER))
    assert found
    # Equal facts could have been gathered anew.
    assert found is later.find(found.diff_id)


def test_name_is_only_a_hint(tmp_path: Path, cache: LayerCache, scanner: Scanner) -> None:
    folder = tmp_path / "cache"
    known, forged = layer({"a": b"one"}), layer({"a": b"two"})
    names = [f"{'b2' * 32}/layer.tar"]
    read_path(save(tmp_path / "known.tar", [known], config([known]), names=names), LayerCache(scanner, folder))
    other = save(tmp_path / "other.tar", [forged], config([forged]), names=names)
    with pytest.raises(ConfigError, match="its content is not what its name says"):
        list(read_path(other, LayerCache(scanner, folder)).images())
    ((_, inventory),) = read_path(other, LayerCache(scanner, folder)).images()
    ((_, true),) = read_path(other, cache).images()
    assert inventory == true


def test_other_rules_find_nothing(tmp_path: Path, scanner: Scanner) -> None:
    found = LayerCache(scanner, tmp_path).read(NAME, io.BytesIO(OTHER))
    assert found
    assert LayerCache(Scanner(scanner.toolbox, ("srv/",)), tmp_path).find(found.diff_id) is None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"layer": {"diff_id": 1}}', b"\xff"])
def test_damaged_file_is_none(tmp_path: Path, scanner: Scanner, damage: bytes) -> None:
    found = LayerCache(scanner, tmp_path).read(NAME, io.BytesIO(OTHER))
    for file in tmp_path.glob("*/*"):
        file.write_bytes(damage)
    later = LayerCache(scanner, tmp_path)
    assert found
    assert later.find(found.diff_id) is None
    assert later.read(NAME, io.BytesIO(OTHER)) == found


def test_names_that_are_no_utf8_are_read_with_and_without_a_cache(tmp_path: Path, scanner: Scanner) -> None:
    data = layer({"caf\udce9": b"AKIAQWERTYUIOPASDFGH"})
    cached, plain = (LayerCache(scanner, folder).read(NAME, io.BytesIO(data)) for folder in (tmp_path, None))
    assert cached == plain
    assert cached
    assert cached.entries["caf\udce9"].content.secrets
    assert str(cached.entries["caf\udce9"]) == r"/caf\xe9"


def test_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path, scanner: Scanner) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = LayerCache(scanner, tmp_path / "file" / "cache")
    found = cache.read(NAME, io.BytesIO(OTHER))
    assert found
    assert cache.find(found.diff_id) is found


def test_what_nobody_has_used_for_a_while_is_removed(tmp_path: Path, scanner: Scanner) -> None:
    old = LayerCache(scanner, tmp_path).read(NAME, io.BytesIO(OTHER))
    for file in tmp_path.glob("*/*"):
        then = time.time() - KEPT_SECONDS - 60
        os.utime(file, (then, then))
    shutil.copytree(next(tmp_path.iterdir()), tmp_path / "of-another-version")
    new = LayerCache(scanner, tmp_path).read("layer.tar", io.BytesIO(layer({"b": b""})))
    assert old
    assert new
    assert [file.stem for file in tmp_path.glob("*/*")] == [new.diff_id.removeprefix("sha256:")]
