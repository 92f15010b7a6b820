from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.errors import EngineError
from pytest_lucid.standin.apt_sources import Source, host_sources, translate

if TYPE_CHECKING:
    from pathlib import Path

STANZAS = """\
# A comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""
LINES = """\
deb http://mirror.example/debian bookworm main non-free # the archive
deb [arch=amd64 trusted=yes] http://mirror.example/debian bookworm-updates main
deb-src http://mirror.example/debian bookworm main
# deb http://off.example/debian bookworm main
"""
OTHERS = """\
deb [signed-by=/usr/share/keyrings/vendor.gpg] http://vendor.example/apt bookworm main
deb http://vendor.example/linux bookworm stable
deb http://vendor.example/apt vendor-bookworm main
"""


def write(apt: Path, name: str, text: str) -> None:
    path = apt / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_stanzas_give_one_source_for_each_suite(tmp_path: Path) -> None:
    write(tmp_path, "sources.list.d/debian.sources", STANZAS)
    found = host_sources("bookworm", tmp_path)
    assert [(source.uri, source.suite) for source in found] == [
        ("http://mirror.example/debian", "bookworm"),
        ("http://mirror.example/debian", "bookworm-updates"),
        ("http://mirror.example/debian-security", "bookworm-security"),
    ]
    assert dict(found[0].options) == {"Signed-By": "/usr/share/keyrings/debian-archive-keyring.gpg"}


def test_lines_are_read_with_their_options(tmp_path: Path) -> None:
    write(tmp_path, "sources.list", LINES)
    assert host_sources("bookworm", tmp_path) == (
        Source("http://mirror.example/debian", "bookworm"),
        Source("http://mirror.example/debian", "bookworm-updates", (("Trusted", "yes"),)),
    )


def test_a_source_named_twice_counts_once(tmp_path: Path) -> None:
    write(tmp_path, "sources.list", LINES)
    write(tmp_path, "sources.list.d/again.list", LINES)
    assert len(host_sources("bookworm", tmp_path)) == 2


def test_an_embedded_key_stays_whole(tmp_path: Path) -> None:
    key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n debian-archive\n -----END PGP PUBLIC KEY BLOCK-----"
    text = f"Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:{key}\n"
    write(tmp_path, "sources.list.d/debian.sources", text)
    (source,) = host_sources("bookworm", tmp_path)
    assert source.deb822() == text.replace("Signed-By:", "Signed-By: ")


@pytest.mark.parametrize("text", ["", OTHERS])
def test_sources_of_others_are_not_debian(tmp_path: Path, text: str) -> None:
    write(tmp_path, "sources.list", text)
    with pytest.raises(EngineError, match=r"no source of Debian bookworm.*docker load"):
        host_sources("bookworm", tmp_path)


def test_the_suite_is_translated_and_the_mirror_stays() -> None:
    here = tuple(Source("http://mirror.example/debian", suite) for suite in ("bookworm", "bookworm-updates"))
    assert translate(here, "trixie") == (
        Source("http://mirror.example/debian", "trixie"),
        Source("http://mirror.example/debian", "trixie-updates"),
    )
    assert (
        translate((Source("http://m.example/debian", "stable-security"),), "bullseye")[0].suite == "bullseye-security"
    )


def test_inside_an_image_the_place_of_the_host_key_is_left_out() -> None:
    source = Source("http://mirror.example/debian", "trixie", (("Signed-By", "/k.gpg"), ("Trusted", "yes")))
    assert "Signed-By: /k.gpg\n" in source.deb822()
    assert source.deb822(signed_by=False) == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie\nComponents: main\nTrusted: yes\n"
    )
