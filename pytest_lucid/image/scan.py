"""Looks at the content of one file, in one pass over its bytes. What is looked for is defined elsewhere.

Memory is bounded: a file is held whole up to `HELD_BYTES`, beyond that it goes to a temporary file and is read in
windows that overlap, so that nothing hides on a border.
"""

from __future__ import annotations

import _imp
import hashlib
import io
import re
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO

from pytest_lucid.config.temporary import temporary_room
from pytest_lucid.content.archives import ZIP_TAIL, is_archive, unpack
from pytest_lucid.content.bytecode import read_header, read_words
from pytest_lucid.content.elf import MAGIC, Elf, read_elf
from pytest_lucid.content.file_content import UNREAD, Content
from pytest_lucid.content.forbidden import NOTHING, Vocabulary
from pytest_lucid.content.python_source import NO_MENTIONS, scan_python
from pytest_lucid.content.secrets import find_program_secrets, find_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_lucid.image.tools import Toolbox

HELD_BYTES = 8 << 20
_OVERLAP = 8192
_AROUND = 128
# The first magic number of bytecode's final form in Python 3.10 … 3.14; the hash of a source is keyed with it.
_MAGICS = (3439, 3495, 3531, 3571, 3627)
_MAGIC_TAIL = int.from_bytes(b"\r\n", "little") << 16
# Facts about packages, accounts and the loader are read from these.
_KEPT = re.compile(
    r"var/lib/dpkg/status\.d/[^/]+|(?:.*/)?[^/]+\.(?:dist|egg)-info/(?:METADATA|PKG-INFO|RECORD)|(?:etc|usr/lib)/os-release|"
    r"etc/(?:passwd|group|ld\.so\.conf(?:\.d/[^/]+\.conf)?)|(?:.*/)?(?:pyvenv\.cfg|[^/]+\.pth)"
)
_KEPT_BYTES = 1 << 20
# Where Debian packages put files: their sums are MD5.
_PACKAGED = ("usr/", "lib/", "lib64/", "bin/", "sbin/", "etc/", "var/", "opt/")
_STRINGS = re.compile(rb"[\x20-\x7e]{6,}")
_CODE = (".py", ".pyi", ".js", ".c", ".h")


@dataclass(frozen=True)
class Scanner:
    """`toolbox` is what is looked for in programs, `vocabulary` in all text and code.

    Files below `own` (with no leading slash) are the services' code.
    """

    toolbox: Toolbox
    own: tuple[str, ...]
    vocabulary: Vocabulary = NOTHING

    def scan(self, path: str, size: int, file: BinaryIO) -> tuple[str, Content]:
        """Read a file of `size` bytes to its end; returns its SHA-256 in hex and what was found."""
        if size <= HELD_BYTES:
            data = file.read(size)
            sha256 = hashlib.sha256(data).hexdigest()
            return sha256, self._look(path, data, io.BytesIO(data), sha256) if data else UNREAD
        sha, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with temporary_room(f"the {size >> 20} MiB of {path}, a file of an image"), tempfile.TemporaryFile() as spool:
            while chunk := file.read(1 << 20):
                sha.update(chunk)
                md5.update(chunk)
                spool.write(chunk)
            return sha.hexdigest(), self._look_large(path, spool, md5.hexdigest(), sha.hexdigest())

    def _look(self, path: str, data: bytes, file: BinaryIO, sha256: str) -> Content:
        elf = read_elf(file) if data.startswith(MAGIC) else None
        is_text = b"\0" not in data
        bytecode = read_header(data) if path.endswith(".pyc") else None
        is_python = is_text and path.endswith(".py")
        mentions = scan_python(data, self.vocabulary, own=path.startswith(self.own)) if is_python else NO_MENTIONS
        words: tuple[str, ...] = ()
        problem = ""
        if not is_python and self.vocabulary.may_be_in(data):
            try:
                spoken = self.vocabulary.tokens_in
                words = spoken("\n".join(read_words(data))) if bytecode else self._text_words(data, is_text=is_text)
            except ValueError as error:
                problem = str(error)
        packed = unpack(file, self.vocabulary) if is_archive(data[:512], data[-ZIP_TAIL:]) else None
        shebang = data[2 : data.index(b"\n") if b"\n" in data else 256] if data.startswith(b"#!") else b""
        return Content(
            md5=hashlib.md5(data, usedforsecurity=False).hexdigest() if path.startswith(_PACKAGED) else "",
            text=data if len(data) <= _KEPT_BYTES and _KEPT.fullmatch(path) else None,
            is_text=is_text,
            shebang=shebang.decode("utf-8", "replace").strip(),
            elf=elf,
            tools=self._tools(elf, sha256, data.__contains__, script=data if shebang else b""),
            secrets=find_secrets(data, code=path.endswith(_CODE)) if is_text else find_program_secrets(data),
            mentions=mentions,
            # An archive's words are those of its members.
            words=() if packed else words,
            packed=packed,
            bytecode=bytecode,
            source_hashes=_source_hashes(data) if path.endswith(".py") else (),
            problem=problem,
        )

    def _look_large(self, path: str, file: IO[bytes], md5: str, sha256: str) -> Content:
        elf = read_elf(file)
        head = next(_windows(file))
        file.seek(-ZIP_TAIL, io.SEEK_END)
        tail = file.read()
        packed = unpack(file, self.vocabulary) if is_archive(head[:512], tail) else None
        secrets: list[str] = []
        words: list[str] = []
        markers: set[bytes] = set()
        for window in _windows(file):
            markers.update(marker for marker in self.toolbox.markers if marker in window)
            secrets += find_program_secrets(window)
            if self.vocabulary.may_be_in(window):
                words += self._text_words(window, is_text=b"\0" not in window)
        return Content(
            md5=md5 if path.startswith(_PACKAGED) else "",
            elf=elf,
            tools=self._tools(elf, sha256, markers.__contains__),
            secrets=tuple(dict.fromkeys(secrets)),
            words=() if packed else tuple(dict.fromkeys(words)),
            packed=packed,
        )

    def _tools(
        self, elf: Elf | None, sha256: str, has: Callable[[bytes], bool], script: bytes = b""
    ) -> tuple[str, ...]:
        known = self.toolbox.by_hash(sha256)
        found = [known] if known else []
        if elf and elf.program and not elf.soname:
            found += self.toolbox.in_program(elf, has)
        if script:
            found += self.toolbox.in_script(script)
        return tuple(dict.fromkeys(found))

    def _text_words(self, data: bytes, *, is_text: bool) -> tuple[str, ...]:
        # The bytes between the strings of a program spell words by chance.
        pieces = [data] if is_text else [piece for near in self._near(data) for piece in _STRINGS.findall(near)]
        return self.vocabulary.tokens_in(b"\n".join(pieces).decode("latin-1"))

    def _near(self, data: bytes) -> Iterator[bytes]:
        """Yield what is around each place where a forbidden word may stand."""
        lowered = data.lower()
        for beginning in self.vocabulary.beginnings:
            at = lowered.find(beginning.encode())
            while at >= 0:
                yield data[max(0, at - _AROUND) : at + _AROUND]
                at = lowered.find(beginning.encode(), at + 1)


def _windows(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    at = 0
    while window := file.read(HELD_BYTES):
        yield window
        at += len(window) - _OVERLAP if len(window) == HELD_BYTES else len(window)
        file.seek(at)


def _source_hashes(data: bytes) -> tuple[tuple[int, bytes], ...]:
    # importlib offers this hash for the running interpreter only; the image's may be another.
    return tuple((magic, _imp.source_hash(magic | _MAGIC_TAIL, data)) for magic in _MAGICS)
