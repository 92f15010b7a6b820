"""Reads one layer of an image, a tar stream, into its entries. Where the stream comes from belongs elsewhere."""

from __future__ import annotations

import hashlib
import posixpath
import tarfile
from dataclasses import replace
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from pytest_lucid.content.file_content import UNREAD
from pytest_lucid.errors import EngineError
from pytest_lucid.image.inventory import Entry, Kind, Layer

if TYPE_CHECKING:
    from pytest_lucid.image.scan import Scanner

# How a layer says that it removes something (OCI image specification, "whiteouts").
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_CAPABILITY = "SCHILY.xattr.security.capability"
_PERMISSIONS = 0o7777
_BLOCK = 1 << 20


class _Hashing:
    """A stream that is hashed as it is read: a layer's name is the hash of its content, and need not be believed."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._sha = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._sha.update(data)
        return data

    @property
    def diff_id(self) -> str:
        """What an image's configuration calls the content that was read."""
        return f"sha256:{self._sha.hexdigest()}"


def hash_layer(stream: IO[bytes]) -> str:
    """Read an uncompressed layer to its end; returns its diff-id."""
    hashing = _Hashing(stream)
    while hashing.read(_BLOCK):
        pass
    return hashing.diff_id


def read_layer(stream: IO[bytes], scanner: Scanner) -> Layer:
    """Read an uncompressed layer to its end. Raises EngineError for what is no tar stream."""
    hashing = _Hashing(stream)
    entries: dict[str, Entry] = {}
    removed, emptied = set(), set()
    try:
        with tarfile.open(fileobj=cast("BinaryIO", hashing), mode="r|") as archive:
            for member in archive:
                path = _path(member.name)
                folder, _, name = path.rpartition("/")
                if name == _OPAQUE:
                    emptied.add(folder)
                elif name.startswith(_WHITEOUT):
                    removed.add(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
                else:
                    entries[path] = _entry(archive, member, path, entries, scanner)
                # Keep the archive from keeping every member.
                archive.members = []  # type: ignore[attr-defined]
    except tarfile.TarError as error:
        raise EngineError(f"a layer of the image cannot be read: {error}") from error
    while hashing.read(_BLOCK):
        pass
    return Layer(hashing.diff_id, entries, frozenset(removed), frozenset(emptied))


def _entry(
    archive: tarfile.TarFile, member: tarfile.TarInfo, path: str, entries: dict[str, Entry], scanner: Scanner
) -> Entry:
    sha256, content = "", UNREAD
    if member.isreg() and (file := archive.extractfile(member)):
        sha256, content = scanner.scan(path, member.size, cast("BinaryIO", file))
    elif member.islnk() and (first := entries.get(_path(member.linkname))):
        return replace(first, path=path)
    return Entry(
        path=path,
        kind=_kind(member),
        mode=member.mode & _PERMISSIONS,
        uid=member.uid,
        gid=member.gid,
        size=member.size,
        mtime=int(member.mtime),
        sha256=sha256,
        target=member.linkname if member.issym() else "",
        capabilities=_CAPABILITY in member.pax_headers,
        content=content,
    )


def _path(name: str) -> str:
    return posixpath.normpath(f"/{name}").lstrip("/")


def _kind(member: tarfile.TarInfo) -> Kind:
    if member.isreg() or member.islnk():
        return "file"
    if member.isdir():
        return "directory"
    if member.issym():
        return "link"
    return "device" if member.ischr() or member.isblk() else "other"
