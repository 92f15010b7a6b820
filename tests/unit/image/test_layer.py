"""Layers as an attacker would write them: what Python's tarfile and an engine read differently, and what has no end."""

from __future__ import annotations

import io
import os
import random
import tarfile
from typing import TYPE_CHECKING

import pytest
from saved import config, layer, save

from pytest_lucid.errors import EngineError, LucidError
from pytest_lucid.image.layer import read_layer
from pytest_lucid.image.layer_cache import LayerCache
from pytest_lucid.image.saved import read_path, read_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.image.scan import Scanner

    Make = Callable[..., Inventory]

KEY = b"AKIAQWERTYUIOPASDFGH"
SEED = 20260501
# LUCID_FUZZ=100000 asks for more.
INPUTS = int(os.environ.get("LUCID_FUZZ", "300"))


def info(kind: bytes, target: str = "", **fields: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo()
    made.type, made.linkname = kind, target
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def hard(target: str) -> tarfile.TarInfo:
    return info(tarfile.LNKTYPE, target)


def test_hard_link_to_a_lower_layer_has_its_content(inventory: Make) -> None:
    made = inventory({"a": KEY}, {"b": hard("a")})
    assert made.merged["b"].content.secrets == made.merged["a"].content.secrets != ()
    assert made.merged["b"].size == len(KEY)
    assert made.merged["b"].path == "b"


def test_hard_link_outlives_its_original(inventory: Make) -> None:
    made = inventory({"a": KEY}, {"b": hard("./a")}, {".wh.a": b""}, {"c": hard("b")})
    assert set(made.merged) == {"b", "c"}
    assert made.merged["c"].content.secrets
    assert made.layers[1].entries["b"].content.secrets


def test_hard_link_means_the_file_of_its_time(inventory: Make) -> None:
    made = inventory({"a": b"first"}, {"b": hard("a")}, {"a": b"second"})
    assert made.merged["b"].sha256 == made.layers[0].entries["a"].sha256


def test_hard_link_to_nothing_cannot_be_judged(inventory: Make) -> None:
    made = inventory({"a": b""}, {"b": hard("gone")})
    assert made.merged["b"].content.problem == "it is a hard link to /gone, which no layer below has"


@pytest.mark.parametrize("name", ["SCHILY.xattr.security.capability", "LIBARCHIVE.xattr.security.capability"])
def test_capabilities_in_both_spellings(inventory: Make, name: str) -> None:
    assert inventory({"a": info(tarfile.REGTYPE, pax_headers={name: "AQAAAg=="})}).merged["a"].capabilities


def test_other_attributes_are_no_capabilities(inventory: Make) -> None:
    assert (
        not inventory({"a": info(tarfile.REGTYPE, pax_headers={"SCHILY.xattr.user.note": "x"})})
        .merged["a"]
        .capabilities
    )


def test_header_for_all_that_follows_is_ignored_as_engines_ignore_it(scanner: Scanner) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "harmless"}) as archive:
        made = tarfile.TarInfo("etc/key")
        made.size = len(KEY)
        archive.addfile(made, io.BytesIO(KEY))
    assert set(read_layer(io.BytesIO(buffer.getvalue()), scanner).entries) == {"etc/key"}


def test_nothing_hides_behind_a_damaged_header(scanner: Scanner) -> None:
    data = bytearray(layer({"a": b"x", "b": KEY}))
    data[1024 + 148] ^= 1
    with pytest.raises(
        EngineError, match=r"a layer of the image cannot be read: damaged header at byte 1024: bad checksum"
    ):
        read_layer(io.BytesIO(bytes(data)), scanner)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_header_without_end_is_refused(scanner: Scanner, kind: bytes) -> None:
    with pytest.raises(EngineError, match=r"a header of 8589934591 bytes; expected at most 1048576"):
        read_layer(io.BytesIO(info(kind, size=0o77777777777).tobuf(tarfile.GNU_FORMAT)), scanner)


def test_path_without_end_is_refused(inventory: Make) -> None:
    with pytest.raises(EngineError, match="a path of 6000 characters; expected at most 4096"):
        inventory({"a/" * 2999 + "bc": b""})


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([("a", KEY), ("a", b"")], "two members are called /a"),
        ([("a", KEY), ("a/b", KEY)], "/a is no directory, and files are to be below it"),
        ([("a/b", KEY), ("a", KEY)], "/a is no directory, and files are below it"),
        ([("a/.wh.", b"")], "/a/.wh. removes nothing that has a name"),
    ],
)
def test_what_no_engine_unpacks_is_refused(scanner: Scanner, members: list[tuple[str, bytes]], problem: str) -> None:
    data = b"".join(layer({name: content})[:1024] for name, content in members)
    with pytest.raises(EngineError, match=problem):
        read_layer(io.BytesIO(data), scanner)


def test_members_below_a_link_of_the_same_layer(inventory: Make) -> None:
    link = info(tarfile.SYMTYPE, "usr/lib")
    made = inventory({"usr/lib/a": b"", "lib": link, "lib/b": b"", "other": hard("lib/b")})
    assert {path for path, entry in made.merged.items() if entry.kind == "file"} == {"usr/lib/a", "usr/lib/b", "other"}


def test_links_out_of_the_root_end_at_the_root(inventory: Make) -> None:
    made = inventory({"a": info(tarfile.SYMTYPE, "../../../etc"), "etc/b": b"x", "a/c": b"y", "/../d": b"z"})
    assert set(made.merged) >= {"etc/b", "etc/c", "d"}
    assert made.resolve("/a/b") is made.merged["etc/b"]


def test_links_in_a_circle_end(inventory: Make) -> None:
    with pytest.raises(EngineError, match="/a is no directory"):
        inventory({"a": info(tarfile.SYMTYPE, "b"), "b": info(tarfile.SYMTYPE, "a"), "a/x": b""})


def test_sparse_file_has_its_whole_content(scanner: Scanner) -> None:
    # GNU's old format: one piece of data at 4096, in a file of 1 MiB.
    made = info(tarfile.GNUTYPE_SPARSE, size=len(KEY))
    made.name = "sparse"
    header = bytearray(made.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (4096, len(KEY))
    header[483:495] = b"%011o\0" % (1 << 20)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    entry = read_layer(io.BytesIO(bytes(header) + KEY.ljust(512, b"\0") + bytes(1024)), scanner).entries["sparse"]
    assert entry.size == 1 << 20
    assert entry.content.secrets


def test_folder_over_a_link_hides_where_it_led(inventory: Make) -> None:
    made = inventory({"usr/lib/a": b"", "lib": info(tarfile.SYMTYPE, "usr/lib")}, {"lib/b": b""})
    assert made.merged["lib"].kind == "directory"
    assert made.resolve("/lib/a") is None


def test_127_layers(inventory: Make) -> None:
    layers: list[dict[str, bytes]] = [{f"n/{number}": b"x", "same": b"%d" % number} for number in range(126)]
    made = inventory(*layers, {"n/.wh.5": b""})
    assert len(made.merged) == 127
    assert sum("hidden" in where for where, _ in made.everywhere) == 126


def test_fuzzed_layers_are_read_or_refused(scanner: Scanner) -> None:
    """Each of many damaged layers gives facts, or one message; the seed of a failure is shown."""
    whole = layer(
        {"usr/lib/a.py": b"import tronpy\n", "b": info(tarfile.SYMTYPE, "usr"), "b/c": b"x" * 600, "d": hard("b/c"),
         "e/.wh..wh..opq": b"", "e/.wh.f": b"", "\xe9" * 120: info(tarfile.REGTYPE, pax_headers={"comment": "x" * 600})}
    )  # fmt: skip
    refused = 0
    for number in range(INPUTS):
        try:
            read_layer(io.BytesIO(damaged(whole, SEED + number)), scanner)
        except EngineError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"seed {SEED + number}") from error
    assert 0 < refused < INPUTS


def test_fuzzed_archives_are_read_or_refused(tmp_path: Path, scanner: Scanner) -> None:
    layers = [layer({"a": b"one"}), layer({"b": b"two", ".wh.a": b""})]
    whole = save(tmp_path / "x.tar", layers, config(layers), compressed=True).read_bytes()
    refused = 0
    for number in range(INPUTS):
        cache = LayerCache(scanner)
        try:
            list(read_stream(io.BytesIO(damaged(whole, SEED + number)), "fuzz", cache).images())
        except LucidError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"seed {SEED + number}") from error
    assert 0 < refused <= INPUTS


def damaged(data: bytes, seed: int) -> bytes:
    """Change a few bytes, cut a piece out, or repeat one; what stands in headers is aimed at, with right checksums."""
    chance = random.Random(seed)  # noqa: S311 - nothing here is secret
    made = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made))
        match chance.randrange(5):
            case 0:
                made[at] = chance.randrange(256)
            case 1:
                del made[at : at + chance.randrange(1024)]
            case 2:
                made[at:at] = made[at : at + chance.randrange(1024)]
            case _:
                block = at - at % 512
                made[block + chance.randrange(512) if block + 512 <= len(made) else at] = chance.choice(
                    b"\0 /.0179xgLKS5\xff"
                )
                header = made[block : block + 512]
                if len(header) == 512:
                    header[148:156] = b" " * 8
                    made[block + 148 : block + 156] = b"%06o\0 " % sum(header)
        made = made or bytearray(1)
    return bytes(made)


def test_members_have_a_bound(monkeypatch: pytest.MonkeyPatch, inventory: Make) -> None:
    monkeypatch.setattr("pytest_lucid.image.layer._MAX_MEMBERS", 2)
    with pytest.raises(EngineError, match="more than 2 members"):
        inventory({"a": b"", "b": b"", "c": b""})


def test_bytes_have_a_bound(tmp_path: Path, scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_lucid.image.layer._MAX_BYTES", 1 << 20)
    layers = [layer({"a": bytes(2 << 20)})]
    path = save(tmp_path / "x.tar", layers, config(layers), compressed=True)
    with pytest.raises(LucidError, match=r"0/layer\.tar: a layer of the image unpacks to more than"):
        list(read_path(path, LayerCache(scanner)).images())
