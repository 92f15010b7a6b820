from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.image.inventory import Inventory

    Make = Callable[..., Inventory]


def link(target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def folder() -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


def test_later_layers_replace_remove_and_empty(inventory: Make) -> None:
    made = inventory(
        {"d": folder(), "d/a": b"1", "d/b": b"2", "e": folder(), "e/x": b"3", "f": folder(), "f/y": b"4", "k": b"5"},
        {"d/.wh.a": b"", "e/.wh..wh..opq": b"", "e/z": b"6", "f": b"now a file", "k": b"7"},
    )
    assert set(made.merged) == {"d", "d/b", "e", "e/z", "f", "k"}
    assert made.merged["k"].sha256 != made.layers[0].entries["k"].sha256
    hidden = {where for where, _ in made.everywhere if "hidden" in where}
    assert {"/d/a (layer 1, hidden by a later one)", "/f/y (layer 1, hidden by a later one)"} <= hidden


def test_a_removed_folder_takes_all_below_it(inventory: Make) -> None:
    made = inventory({"d": folder(), "d/e": folder(), "d/e/f": b"1", "dd": b"2"}, {".wh.d": b""})
    assert set(made.merged) == {"dd"}


def test_links_are_followed_inside_the_image(inventory: Make) -> None:
    made = inventory(
        {"lib": link("usr/lib"), "usr/lib/a.so": b"1", "usr/bin/x": link("../../lib/a.so"), "abs": link("/usr/bin/x")}
    )
    for path in ("/lib/a.so", "/usr/bin/x", "/abs", "abs", "/usr/../abs"):
        assert made.resolve(path) is made.merged["usr/lib/a.so"], path


@pytest.mark.parametrize("path", ["/nothing", "/loop", "/out", "/dangling"])
def test_links_that_lead_nowhere(inventory: Make, path: str) -> None:
    made = inventory({"loop": link("loop"), "out": link("../../../nothing"), "dangling": link("/a/b")})
    assert made.resolve(path) is None


def test_a_hard_link_has_the_content_of_its_file(inventory: Make) -> None:
    made = inventory({"a": b"content", "b": link("a", tarfile.LNKTYPE)})
    assert made.merged["b"].sha256 == made.merged["a"].sha256 != ""
    assert made.merged["b"].path == "b"
