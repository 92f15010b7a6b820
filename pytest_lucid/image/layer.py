"""Reads one layer of an image, a tar stream, into its entries. Where the stream comes from belongs elsewhere.

The result is what an engine would unpack from the layer into an empty folder: a member below a symbolic link of the
same layer goes to where that link leads.
"""

from __future__ import annotations

import hashlib
import posixpath
import tarfile
from dataclasses import replace
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from pytest_lucid.content.file_content import UNREAD
from pytest_lucid.errors import EngineError
from pytest_lucid.image.entries import Entry, Kind, Layer, display

if TYPE_CHECKING:
    from pytest_lucid.image.scan import Scanner

# How a layer says that it removes something (OCI image specification, "whiteouts").
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# Engines read the first; libarchive (bsdtar) writes the second, and other programs that unpack layers obey it.
_CAPABILITY = frozenset({"SCHILY.xattr.security.capability", "LIBARCHIVE.xattr.security.capability"})
_PERMISSIONS = 0o7777
_BLOCK = 1 << 20
_MAX_LINKS = 40
# More than any image has; a compressed layer of a few kilobytes can claim to hold terabytes.
_MAX_MEMBERS = 1_000_000
_MAX_BYTES = 32 << 30
# Linux's PATH_MAX; and the size that Go's archive/tar, which engines read layers with, allows for a header of its own.
_MAX_PATH = 4096
_MAX_HEADER = 1 << 20
_IGNORED = b"-"
_LONG = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


class _Member(tarfile.TarInfo):
    """A member as engines read it, which is stricter than Python: nothing may hide behind a damaged header."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _Member:
        try:
            return super().fromtarfile(archive)
        except (tarfile.EOFHeaderError, tarfile.EmptyHeaderError):  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            # Python takes a damaged header for the end of the archive.
            raise tarfile.ReadError(f"damaged header at byte {archive.offset}: {error}") from error

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _LONG and self.size > _MAX_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes; expected at most {_MAX_HEADER}")
        if self.type == tarfile.XGLTYPE:
            # Engines ignore headers for all that follows; Python would let one rename every file.
            self.type = _IGNORED
        return cast("tarfile.TarInfo", super()._proc_member(archive))  # type: ignore[misc]


class _Hashing:
    """A stream that is hashed as it is read: a layer's name is the hash of its content, and need not be believed."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._sha = hashlib.sha256()
        self._left = _MAX_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._sha.update(data)
        self._left -= len(data)
        if self._left < 0:
            raise EngineError(f"a layer of the image unpacks to more than {_MAX_BYTES >> 30} GiB")
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
    """Read an uncompressed layer to its end. Raises EngineError where an engine could not unpack it."""
    hashing = _Hashing(stream)
    unpacking = _Unpacking(scanner)
    try:
        with tarfile.open(fileobj=cast("BinaryIO", hashing), mode="r|", tarinfo=_Member, bufsize=_BLOCK) as archive:
            for number, member in enumerate(archive):
                if number == _MAX_MEMBERS:
                    raise EngineError(f"a layer of the image has more than {_MAX_MEMBERS} members")
                if member.type != _IGNORED:
                    unpacking.add(archive, member)
                # Keep the archive from keeping every member.
                archive.members = []  # type: ignore[attr-defined]
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise EngineError(f"a layer of the image cannot be read: {error}") from error
    while hashing.read(_BLOCK):
        pass
    return Layer(
        hashing.diff_id,
        unpacking.entries,
        frozenset(unpacking.removed),
        frozenset(unpacking.emptied),
        unpacking.links,
    )


class _Unpacking:
    """What the members so far have made of an empty folder."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self.entries: dict[str, Entry] = {}
        self.removed: set[str] = set()
        self.emptied: set[str] = set()
        self.links: dict[str, str] = {}
        # Where members of a folder go, and the folders that have members.
        self._folders: dict[str, str] = {"": ""}
        self._filled = {""}

    def add(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = self._place(member.name)
        folder, _, name = path.rpartition("/")
        if name == _OPAQUE:
            self.emptied.add(folder)
        elif name.startswith(_WHITEOUT):
            removed = name.removeprefix(_WHITEOUT)
            if removed in ("", ".", ".."):
                raise tarfile.ReadError(f"{display(path)} removes nothing that has a name")
            self.removed.add(posixpath.join(folder, removed))
        else:
            self._put(path, self._entry(archive, member, path))

    def _put(self, path: str, entry: Entry) -> None:
        old = self.entries.get(path)
        if old and not old.kind == entry.kind == "directory":
            # What came first would still be in the image, and seen by nobody; engines refuse that, too.
            raise tarfile.ReadError(f"two members are called {display(path)}")
        if entry.kind != "directory" and path in self._filled:
            raise tarfile.ReadError(f"{display(path)} is no directory, and files are below it")
        if entry.kind == "link":
            self._folders = {"": ""}
        self.entries[path] = entry

    def _place(self, name: str) -> str:
        """Where a member's name leads, through the symbolic links that are there already."""
        path = posixpath.normpath(f"/{name}").lstrip("/")
        if len(path) > _MAX_PATH:
            raise tarfile.ReadError(f"a path of {len(path)} characters; expected at most {_MAX_PATH}")
        folder, _, last = path.rpartition("/")
        return posixpath.join(self._folder(folder), last)

    def _folder(self, folder: str) -> str:
        if folder not in self._folders:
            found = self._folders[folder] = self._follow(folder)
            while found not in self._filled:
                self._filled.add(found)
                found = posixpath.dirname(found)
        return self._folders[folder]

    def _follow(self, folder: str) -> str:
        parts = [part for part in folder.split("/") if part]
        at = ""
        links = 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                at = posixpath.dirname(at)
                continue
            here = f"{at}/{part}" if at else part
            entry = self.entries.get(here)
            if entry is None or entry.kind == "directory":
                at = here
                continue
            links += 1
            if entry.kind != "link" or links > _MAX_LINKS:
                raise tarfile.ReadError(f"{display(folder)} is no directory, and files are to be below it")
            parts = [p for p in entry.target.split("/") if p not in ("", ".")] + parts
            at = "" if entry.target.startswith("/") else at
        return at

    def _entry(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> Entry:
        sha256, content = "", UNREAD
        if member.isreg() and (file := archive.extractfile(member)):
            sha256, content = self._scanner.scan(path, member.size, cast("BinaryIO", file))
        elif member.islnk():
            target = self._place(member.linkname)
            if first := self.entries.get(target):
                return replace(first, path=path)
            self.links[path] = target
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
            capabilities=not _CAPABILITY.isdisjoint(member.pax_headers),
            content=content,
        )


def _kind(member: tarfile.TarInfo) -> Kind:
    if member.isreg() or member.islnk():
        return "file"
    if member.isdir():
        return "directory"
    if member.issym():
        return "link"
    return "device" if member.ischr() or member.isblk() else "other"
