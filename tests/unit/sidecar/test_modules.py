"""What the testinfra modules read from files, without an engine."""

from __future__ import annotations

import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.engine.shell_protocol import Result
from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import subreaper
from pytest_lucid.sidecar.modules.databases import Account, find, names_of
from pytest_lucid.sidecar.modules.file import by_bytes, needs_characters, shown
from pytest_lucid.sidecar.modules.package import installed, paragraphs
from pytest_lucid.sidecar.reading import Reading

if TYPE_CHECKING:
    from pathlib import Path

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nann:x:7:8:Ann:/home/ann:\n"
GROUP = b"root:x:0:\nown:x:8:\nmore:x:9:bob,ann\nlast:x:10:annette\nback:x:8:\n"


def test_a_user_has_the_own_group_first() -> None:
    account = Account.of("ann", PASSWD, GROUP)
    assert account
    assert account.gids == (8, 9)
    assert account == Account.of("7", PASSWD, GROUP) == Account.of("+7", PASSWD, GROUP)
    assert names_of(GROUP)[8] == "own"


@pytest.mark.parametrize("name", ["", "8", "an", "ann:x", "-7"])
def test_no_user_is_no_account(name: str) -> None:
    assert Account.of(name, PASSWD, GROUP) is None
    assert find(PASSWD, name) is None


def answer(reading: Reading, files: dict[str, bytes]) -> Result:
    prefix = reading.command.split("'")[1].removesuffix("/proc/*/x")
    parts = (b"==> %s%s <==\n%s" % (prefix.encode(), path.encode(), content) for path, content in files.items())
    return Result(0, b"\n".join(parts), b"")


def test_lines_that_are_no_entries_are_left_out() -> None:
    account = Account.of("ann", b"ann:x\nann:x:7:8:Ann\n", b"broken:x\nodd:x:n:ann\nmore:x:9:ann\n")
    assert account
    assert (account.entry, account.gids) == (["ann", "x", "7", "8", "Ann", "", ""], (8, 9))
    assert Account.of("ann", b"ann:x:none:8:::\n", b"") is None


def test_a_package_is_installed_where_an_entry_says_so() -> None:
    entries = [
        "Package: a\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1",
        "Package: a\nArchitecture: arm64\nVersion: 2",
        "Package: a\nStatus: hold ok installed\nArchitecture: all\nVersion: 3",
    ]
    assert installed(entries, "") == installed(entries, "arm64") == "2"
    assert installed(entries, "amd64") == "3"
    assert installed(entries[:1], "") is None


def test_files_are_told_apart_whatever_they_hold() -> None:
    files = {"/proc/1/x": b"a\n==> /proc/2/x <==\nb", "/proc/2/x": b"", "/proc/3/x": b"\n\n", "/proc/4/x": b"\xff\x00"}
    reading = Reading(["/proc/*/x"])
    assert reading.files(answer(reading, files)) == files
    assert reading.files(Result(0, b"", b"")) == {}


@pytest.mark.parametrize("pattern", ["relative", "/a b", "/a;b", "/a\n", "/$x", ""])
def test_what_is_no_pattern_is_not_asked(pattern: str) -> None:
    with pytest.raises(ValueError, match="no pattern of paths"):
        Reading([pattern])


@pytest.mark.parametrize(
    ("name", "written"), [(b"a", "a"), ("é".encode(), "é"), (b"a\nb\x07", "a?b?"), (b"\xff\xfe", "??"), (b"a b", "a b")]
)
def test_names_are_written_as_ls_does(name: bytes, written: str) -> None:
    assert shown(name) == written


def test_a_dot_is_one_character() -> None:
    pattern = by_bytes("^caf.$").encode("utf-8", "surrogateescape")
    grep = subprocess.run(["grep", "-q", pattern], input="café\n".encode(), env={"LC_ALL": "C"}, check=False)
    assert grep.returncode == 0
    assert by_bytes(r"[.]\.a") == r"[.]\.a"
    assert not needs_characters("café")
    assert not needs_characters(r"a\.b")
    assert needs_characters("a.b")


@pytest.mark.parametrize("pattern", ["[^a].", "[é].", "é*.", r"\(.\)\1"])
def test_what_bytes_cannot_express_is_an_error(pattern: str) -> None:
    with pytest.raises(EngineError, match="content_string"):
        by_bytes(pattern)


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="runs a program for Linux on x86-64"
)
def test_what_a_subreaper_starts_does_not_run_away(tmp_path: Path) -> None:
    program = tmp_path / "subreaper"
    program.write_bytes(subreaper.program("amd64") or b"")
    program.chmod(0o700)
    script = (
        "(sleep 5 & echo $! >pid); read -r pid <pid; read -r left </proc/$$/task/$$/children; kill $pid; echo $left"
    )
    done = subprocess.run([program, "/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, check=True, text=True)
    assert done.stdout.split() == (tmp_path / "pid").read_text().split()
    assert subprocess.run([program, "/nowhere"], check=False).returncode == 127


def test_a_subreaper_is_a_small_static_program() -> None:
    for architecture, machine in (("amd64", 62), ("arm64", 183)):
        program = subreaper.program(architecture)
        assert program
        assert (program[:4], program[18]) == (b"\x7fELF", machine)
        assert int.from_bytes(program[96:104], "little") == len(program) < 256
    assert subreaper.program("riscv64") is None


DATABASE = "Package: b\nStatus: x\nVersion: 2\n\nPackage: c\n--\nPackage: b\nVersion: 3\n"


def test_paragraphs_end_at_an_empty_line_or_with_greps_context() -> None:
    assert paragraphs("Package: b", DATABASE) == ["Package: b\nStatus: x\nVersion: 2", "Package: b\nVersion: 3"]
    assert paragraphs("Package: a", "") == []
