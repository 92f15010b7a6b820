from __future__ import annotations

import importlib.util
import io
import lzma
import marshal
import struct
import sys
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.content.bytecode import read_header, read_words
from pytest_lucid.content.elf import read_elf
from pytest_lucid.errors import EngineError
from pytest_lucid.image.scan import HELD_BYTES

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from pytest_lucid.content.file_content import Content
    from pytest_lucid.image.scan import Scanner

TOKEN = b"ghp_Zk3Vq8Lm2Xw7Rt5Yb9Nc4Hd6Jf1Gs0Pa3Ue8"
KEY = b"-----BEGIN PRIVATE KEY-----\n" + b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n" * 2


def scan(scanner: Scanner, path: str, data: bytes) -> Content:
    return scanner.scan(path, len(data), io.BytesIO(data))[1]


def program(*strings: bytes, needed: bytes = b"libc.so.6", interpreter: bytes = b"/lib64/ld.so\0") -> bytes:
    """A 64-bit program for x86-64 with a loader, one needed library, and strings."""
    table = b"\0" + needed + b"\0"
    at = 64 + 3 * 56
    dynamic = struct.pack("<QQQQQQ", 1, 1, 5, at + len(interpreter), 0, 0)
    body = interpreter + table + dynamic
    headers = struct.pack("<IIQQQQQQ", 3, 4, at, at, at, len(interpreter), len(interpreter), 1)
    headers += struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, at + len(body), at + len(body), 1)
    headers += struct.pack("<IIQQQQQQ", 2, 4, at + len(body) - len(dynamic), 0, 0, len(dynamic), len(dynamic), 1)
    start = (
        b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 3, 64, 0, 0)
    )
    return start + headers + body + b"\0".join((b"", *strings, b""))


def test_elf_headers() -> None:
    elf = read_elf(io.BytesIO(program()))
    assert elf is not None
    assert (elf.architecture, elf.program, elf.interpreter, elf.needed) == (
        "amd64",
        True,
        "/lib64/ld.so",
        ("libc.so.6",),
    )


@pytest.mark.parametrize("cut", [4, 20, 63, 100, 240])
def test_a_damaged_elf_file_is_none(cut: int) -> None:
    assert read_elf(io.BytesIO(program()[:cut])) is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (program(b"OPTIND", b"PS4"), "shell"),
        (program(b"BusyBox v1.36"), "shell"),
        (program(b"GNU coreutils"), "core utilities"),
        (program(needed=b"libapt-pkg.so.6.0"), "package manager"),
        (program(b"PTRACE_SEIZE", b"PTRACE_SYSCALL"), "debugger"),
        (program(b"COLLECT_GCC"), "compiler"),
        (program(needed=b"libcurl.so.4"), "download tool"),
        (b"#!/usr/bin/python3\nfrom pip._internal.cli.main import main\n", "package manager"),
    ],
)
def test_programs_are_recognised_by_content(scanner: Scanner, data: bytes, kind: str) -> None:
    assert scan(scanner, "app/logo.bin", data).tools == (kind,)


@pytest.mark.parametrize(
    "data",
    [
        program(b"OPTIND"),
        program(b"PS4"),
        program(b"optind PS4x"),
        b"OPTIND PS4",
        b"#!/usr/bin/python3\nprint('pip')\n",
    ],
)
def test_other_programs_are_not(scanner: Scanner, data: bytes) -> None:
    assert scan(scanner, "app/x", data).tools == ()


@pytest.mark.parametrize("at", [0, HELD_BYTES - 20, HELD_BYTES, 2 * HELD_BYTES - 100])
def test_nothing_hides_on_the_border_of_a_window(scanner: Scanner, at: int) -> None:
    data = bytes(at) + b"\n" + KEY + b"\n node: api.trongrid.io \n"
    data += bytes(2 * HELD_BYTES + 100 - len(data))
    content = scan(scanner, "opt/large", data)
    assert len(content.secrets) == 1
    assert content.words == ("api.trongrid.io",)


def test_memory_is_bounded_by_the_window(scanner: Scanner) -> None:
    class Zeros(io.RawIOBase):
        left = 20 * HELD_BYTES

        def read(self, size: int = -1) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    tracemalloc.start()
    try:
        scanner.scan("opt/large", Zeros.left, Zeros())  # type: ignore[arg-type]  # as much of a file as is read
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * HELD_BYTES


@pytest.mark.skipif(sys.platform == "win32", reason="no limit to the size of a file")
def test_no_room_for_a_large_file_is_said_of_this_machine(scanner: Scanner) -> None:
    """And not of the image, which is whole."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(EngineError, match=r"no room for the 8 MiB of opt/large.*make room there"):
            scan(scanner, "opt/large", bytes(HELD_BYTES + 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        zipped("tronpy/__init__.py", b""),
        zipped("a.py", b"from tronpy import Tron"),
        zipped("a/b.whl", zipped("x.py", b"import tronpy")),
        b"#!/usr/bin/python3\n" + zipped("a.txt", b"TRON_KEY"),
        lzma.compress(b"api.trongrid.io"),
    ],
    ids=["name", "import", "nested", "prefixed", "xz"],
)
def test_archives_are_opened(scanner: Scanner, data: bytes) -> None:
    packed = scan(scanner, "app/data.bin", data).packed
    assert packed is not None
    assert packed.words
    assert not packed.problem


def test_an_archive_that_cannot_be_read_says_so(scanner: Scanner) -> None:
    damaged = bytearray(zipped("a.txt", b"x" * 100))
    damaged[35:40] = b"\xff" * 5
    bomb = zipped("zeros", bytes(70 << 20))
    for data in (bytes(damaged), bomb, lzma.compress(b"x" * 1000)[:-20]):
        packed = scan(scanner, "app/data.bin", data).packed
        assert packed is not None
        assert packed.problem


def test_what_only_looks_like_an_archive_is_none(scanner: Scanner) -> None:
    assert scan(scanner, "app/zipimport.pyc", b"x" * 100 + b"PK\x05\x06" + b"y" * 40).packed is None


@pytest.mark.parametrize(
    ("source", "modules", "words"),
    [
        (b"import tronpy.keys", ("tronpy.keys",), ()),
        (b"from tronpy import Tron", ("tronpy.Tron",), ()),
        (b"class TronClient: ...", (), ("TronClient",)),
        (b"x.usdt_balance = 1", (), ("usdt_balance",)),
        (b'connect("https://api.trongrid.io/v1")', (), ("https://api.trongrid.io/v1",)),
        (b'importlib.import_module("tronpy")', (), ("tronpy",)),
        ("import ｔｒｏｎｐｙ".encode(), ("tronpy",), ()),  # noqa: RUF001 - the look-alike letters are the point
        (b"# coding: utf-7\nx = '+AHQ-ron_key'", (), ("tron_key",)),
        (b"def broken(:\n  TRON_KEY", (), ("TRON_KEY",)),
        (b"# TRON is not here\nx = 1", (), ()),
        (b'"""No TRON."""\n\ndef f():\n    """No TRON."""', (), ()),
        (b"import electron, neutron, strong\npatron = matron", (), ()),
    ],
)
def test_python_sources_are_read_by_their_syntax(
    scanner: Scanner, source: bytes, modules: tuple[str, ...], words: tuple[str, ...]
) -> None:
    mentions = scan(scanner, "lib/x.py", source).mentions
    assert (mentions.modules, mentions.words) == (modules, words)


def bytecode(source: str) -> bytes:
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(compile(source, "x.py", "exec"))


def test_bytecode_is_read_without_being_run() -> None:
    data = bytecode(
        "import tronpy\ndef f(a, *, b={'k': (1.5, 2j, 10**30, b'x', None, ..., frozenset({3}))}): return 'word' + a"
    )
    assert {"tronpy", "f", "a", "b", "word"} <= set(read_words(data))
    header = read_header(data)
    assert header is not None
    assert header.magic == int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")


def test_bytecode_that_cannot_be_read_is_a_problem(scanner: Scanner) -> None:
    data = bytecode("TRON_KEY = 1")
    assert scan(scanner, "a.pyc", data).words == ("TRON_KEY",)
    assert scan(scanner, "a.pyc", data[:-8]).problem
    assert read_header(b"short") is None
    assert read_header(b"\xa7\r\r\n\xff" + bytes(20)) is None
