"""What layers add up to: the inventory of an image is what a container of it sees, for every shape of layers."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, cast

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.image.layer_cache import LayerCache
from pytest_lucid.image.saved import read_stream
from pytest_lucid.image.scan import Scanner
from pytest_lucid.image.tools import load_toolbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from pytest_lucid.image.entries import Entry
    from pytest_lucid.image.inventory import Inventory

    Member = tuple[str, bytes, str]

pytestmark = pytest.mark.engine

TAG = "lucid-test-layers:1"
# What engines put into every container.
OWN = ("dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv")


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


def d(path: str) -> Member:
    return path, tarfile.DIRTYPE, ""


def f(path: str, data: str = "x") -> Member:
    return path, tarfile.REGTYPE, data


def s(path: str, target: str) -> Member:
    return path, tarfile.SYMTYPE, target


def h(path: str, target: str) -> Member:
    return path, tarfile.LNKTYPE, target


BASE = [
    d("usr"),
    d("usr/lib"),
    f("usr/lib/a", "1"),
    s("lib", "usr/lib"),
    d("opt"),
    d("opt/d"),
    f("opt/d/x", "2"),
    f("opt/f", "3"),
]

SHAPES: dict[str, list[list[Member]]] = {
    "folder over link": [BASE, [d("lib"), f("lib/b")]],
    "file below a link, folder not listed": [BASE, [f("lib/b")]],
    "file below a link of the same layer": [[d("usr"), d("usr/lib"), s("lib", "usr/lib"), f("lib/b")]],
    "file below an absolute link of the same layer": [[d("usr"), d("usr/lib"), s("lib", "/usr/lib"), f("lib/b")]],
    "link over folder": [BASE, [s("opt/d", "../usr")]],
    "link over folder with files": [BASE, [s("opt", "usr")]],
    "file over folder": [BASE, [f("opt/d", "file")]],
    "folder over file": [BASE, [d("opt/f"), f("opt/f/y")]],
    "folder over folder": [BASE, [d("opt/d"), f("opt/d/y")]],
    "link over link": [BASE, [s("lib", "opt")]],
    "whiteout of file": [BASE, [f("opt/.wh.f", "")]],
    "whiteout of folder": [BASE, [f("opt/.wh.d", "")]],
    "whiteout of link": [BASE, [f(".wh.lib", "")]],
    "whiteout below a link": [BASE, [f("lib/.wh.a", "")]],
    "whiteout of nothing": [BASE, [f("opt/.wh.none", "")]],
    "opaque folder": [BASE, [d("opt/d"), f("opt/d/.wh..wh..opq", ""), f("opt/d/y")]],
    "opaque folder, mark last": [BASE, [d("opt/d"), f("opt/d/y"), f("opt/d/.wh..wh..opq", "")]],
    "opaque folder with folders": [BASE, [d("opt"), f("opt/.wh..wh..opq", ""), d("opt/d"), f("opt/d/y")]],
    "removed and made again": [BASE, [f("opt/.wh.d", "")], [d("opt/d"), f("opt/d/y")]],
    "removed and made again as a file": [BASE, [f("opt/.wh.d", "")], [f("opt/d")]],
    "file before its folder": [BASE, [f("n/a"), d("n")]],
    "hard link in a layer": [[f("a", "content"), h("b", "a")]],
    "hard link below a link": [[d("usr"), f("usr/a", "content"), s("l", "usr"), h("b", "l/a")]],
    "dotted names": [[d("./usr"), f("./usr/./a"), f("/opt2")]],
    "names that look like whiteouts": [BASE, [f("opt/wh.f"), f("opt/.whf")]],
    "name that is no UTF-8": [[f("caf\udce9")], [f("caf\udce9", "again")], [f(".wh.none", "")]],
    "name that begins with a bracket": [[f("[a]", "1")], [f("{b}", "2")]],
    "many layers": [[d("n")], *[[f(f"n/{number}", str(number))] for number in range(60)], [f("n/.wh.7", "")]],
}

# Engines refuse these, so that nothing may be judged by them.
REFUSED: dict[str, list[list[Member]]] = {
    "file twice": [BASE, [f("opt/t", "1"), f("opt/t", "22")]],
    "folder, then file of that name": [BASE, [d("n"), f("n/a"), f("n", "file")]],
    "link, then folder of that name": [[d("usr"), s("l", "usr"), f("l/a"), d("l"), f("l/b")]],
    "file below a file": [[f("a"), f("a/b")]],
    "whiteout without a name": [BASE, [f("opt/.wh.", "")]],
}


def layer(members: list[Member]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, kind, content in members:
            info = tarfile.TarInfo(path)
            info.type, info.mode = kind, 0o750 if kind == tarfile.DIRTYPE else 0o644
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content.encode()))
            else:
                info.linkname = content
                archive.addfile(info)
    return buffer.getvalue()


def image(layers: list[bytes]) -> bytes:
    diff_ids = [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in layers]
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": "c.json", "RepoTags": [TAG], "Layers": names}]
    members = {"c.json": json.dumps(document).encode(), "manifest.json": json.dumps(manifest).encode()}
    members |= dict(zip(names, layers, strict=True))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def load(client: docker.DockerClient, saved: bytes) -> list[str]:
    """Load an image; returns why the engine refused."""
    return [event["error"] for event in client.api.load_image(saved) or () if "error" in event]


def seen_by_a_container(client: docker.DockerClient, saved: bytes) -> dict[str, tuple[str, int, str]]:
    assert not load(client, saved)
    container = client.containers.create(TAG, ["none"], labels={"lucid.test": "layers"})
    try:
        # The stubs call the stream's chunks str; they are bytes.
        data = b"".join(cast("Iterator[bytes]", container.export()))
    finally:
        container.remove(v=True)
        client.images.remove(TAG, force=True)
    found: dict[str, tuple[str, int, str]] = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            path = member.name.strip("/")
            if not path.startswith(OWN) and path != "etc":
                kind = "link" if member.issym() else "directory" if member.isdir() else "file"
                content = archive.extractfile(member) if kind == "file" else None
                digest = hashlib.sha256(content.read()).hexdigest() if content else member.linkname
                found[path] = (kind, 0 if member.issym() else member.mode & 0o7777, digest)
    return found


def facts(entry: Entry) -> tuple[str, int, str]:
    is_link = entry.kind == "link"
    # An empty file has no hash of ours, and a link has no mode.
    return entry.kind, 0 if is_link else entry.mode, entry.target if is_link else entry.sha256


def inventory(saved: bytes) -> Inventory:
    cache = LayerCache(Scanner(load_toolbox(), ()))
    ((_, found),) = read_stream(io.BytesIO(saved), "test", cache).images()
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_inventory_is_what_a_container_sees(client: docker.DockerClient, shape: str) -> None:
    saved = image([layer(members) for members in SHAPES[shape]])
    ours = {path: facts(entry) for path, entry in inventory(saved).merged.items()}
    assert ours == seen_by_a_container(client, saved)


@pytest.mark.parametrize("shape", REFUSED)
def test_what_an_engine_refuses_is_refused(client: docker.DockerClient, shape: str) -> None:
    saved = image([layer(members) for members in REFUSED[shape]])
    with pytest.raises(ConfigError, match=r"test: layer sha256:\w+ of .* is missing, .*; 1/layer.tar|0/layer.tar: "):
        inventory(saved)
    assert load(client, saved)
