"""What archives inside an image say of what is forbidden: zip files, wheels, tar files, and archives in them.

An archive that cannot be read to its end says so: what was not seen must not pass for clean.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from pytest_lucid.content.bytecode import read_words
from pytest_lucid.content.python_source import scan_python

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.content.forbidden import Vocabulary

_ZIP_START = b"PK"
_ZIP_END = b"PK\x05\x06"
# The end record of a zip file is followed by a comment of at most 64 KiB.
ZIP_TAIL = 65_557
_MAX_DEPTH = 3
_MAX_BYTES = 64 << 20
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Packed:
    """What an archive says of what is forbidden, as `member: word`; and why it could not be read to its end, if so."""

    words: tuple[str, ...] = ()
    problem: str = ""


def is_archive(head: bytes, tail: bytes) -> bool:
    """Whether a file with these first and last bytes may be an archive; a zip file may have anything before it."""
    return head.startswith(_COMPRESSED) or head[257:262] == b"ustar" or _ZIP_END in tail


def unpack(file: IO[bytes], vocabulary: Vocabulary) -> Packed | None:
    """Read a seekable file as an archive; None when it is none, after all."""
    budget = _Budget(_MAX_BYTES)
    words: list[str] = []
    try:
        members = _members(file, budget)
        if members is None:
            return None
        words.extend(_words(members, budget, vocabulary, depth=1))
    except _BROKEN as error:
        file.seek(0)
        if isinstance(error, zipfile.BadZipFile) and not file.read(4).startswith(_ZIP_START):
            # Programs that read zip files have the mark of one in them.
            return None
        return Packed(tuple(words), str(error) or type(error).__name__)
    return Packed(tuple(dict.fromkeys(words)))


class _Budget:
    """How many bytes may still be unpacked: an archive can claim to hold more than any disk."""

    def __init__(self, left: int) -> None:
        self._left = left

    def read(self, file: IO[bytes]) -> bytes:
        data = file.read(self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {_MAX_BYTES >> 20} MiB")
        return data


def _words(members: Iterator[tuple[str, bytes]], budget: _Budget, vocabulary: Vocabulary, depth: int) -> Iterator[str]:
    for name, data in members:
        yield from (f"{name}: {word}" for word in (*vocabulary.tokens_in(name), *_content(name, data, vocabulary)))
        if is_archive(data[:512], data[-ZIP_TAIL:]):
            if depth == _MAX_DEPTH:
                raise ValueError(f"archives in archives, more than {_MAX_DEPTH} deep")
            inner = _members(io.BytesIO(data), budget)
            if inner is not None:
                yield from (f"{name}/{word}" for word in _words(inner, budget, vocabulary, depth + 1))


def _content(name: str, data: bytes, vocabulary: Vocabulary) -> Iterator[str]:
    if name.endswith(".py"):
        mentions = scan_python(data, vocabulary, own=False)
        yield from (*mentions.modules, *mentions.words)
    elif name.endswith(".pyc"):
        yield from (token for word in read_words(data) for token in vocabulary.tokens_in(word))
    else:
        yield from vocabulary.tokens_in(data.decode("latin-1"))


def _members(file: IO[bytes], budget: _Budget) -> Iterator[tuple[str, bytes]] | None:
    file.seek(0)
    head = file.read(512)
    if zipfile.is_zipfile(file):
        return _zip_members(zipfile.ZipFile(file), budget)
    if head.startswith(_COMPRESSED):
        with _decompressed(file, head) as opened:
            data = budget.read(opened)
        # A compressed tar file, or one compressed file.
        return _tar_members(data, budget) if data[257:262] == b"ustar" else iter([("", data)])
    if head[257:262] == b"ustar":
        file.seek(0)
        return _tar_members(budget.read(file), budget)
    return None


def _decompressed(file: IO[bytes], head: bytes) -> IO[bytes]:
    file.seek(0)
    if head.startswith(_COMPRESSED[0]):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    return bz2.BZ2File(file) if head.startswith(_COMPRESSED[1]) else lzma.LZMAFile(file)


def _zip_members(archive: zipfile.ZipFile, budget: _Budget) -> Iterator[tuple[str, bytes]]:
    for info in archive.infolist():
        with archive.open(info) as member:
            yield info.filename, budget.read(member)


def _tar_members(data: bytes, budget: _Budget) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for info in archive:
            member = archive.extractfile(info)
            yield info.name, budget.read(member) if member else b""
