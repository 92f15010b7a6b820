"""A file tree in memory, written as a tar archive whose bytes depend on nothing but its content.

What goes into a tree is for others to decide; nothing here knows packages or images.
"""

from __future__ import annotations

import copy
import io
import tarfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class FileTree:
    """Paths without a leading slash, each with its tar header and its bytes."""

    entries: dict[str, tuple[tarfile.TarInfo, bytes]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.entries))

    def read(self, path: str) -> bytes:
        """Return the bytes of a file."""
        return self.entries[path][1]

    def file(self, path: str, data: bytes | str, *, mode: int = 0o644) -> None:
        """Put a file of root at a path, in place of what was there."""
        raw = data.encode() if isinstance(data, str) else data
        info = tarfile.TarInfo(path)
        info.mode, info.size = mode, len(raw)
        self.entries[path] = info, raw

    def link(self, path: str, target: str) -> None:
        """Put a symbolic link at a path, in place of what was there."""
        info = tarfile.TarInfo(path)
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
        self.entries[path] = info, b""

    def directory(self, path: str, *, mode: int = 0o755, owner: int = 0) -> None:
        """Put a directory at a path; its owner's group has the same number."""
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, mode, owner, owner
        self.entries[path] = info, b""

    def unpack(self, archive: IO[bytes], change: Callable[[tarfile.TarInfo], tarfile.TarInfo | None]) -> None:
        """Add the members of a tar stream, each after `change`, which may leave one out by returning None.

        A directory that is already there stays as it is.
        """
        with tarfile.open(fileobj=archive, mode="r|") as members:
            for member in members:
                original = copy.copy(member)
                original.name = member.name.removeprefix("./").strip("/")
                if member.islnk():
                    original.linkname = member.linkname.removeprefix("./").strip("/")
                if original.name in ("", ".") or (info := change(original)) is None:
                    continue
                if info.isdir() and info.name in self.entries:
                    continue
                data = b""
                if info.islnk():
                    # Sorting may put a hard link before its target, so it becomes a file of its own.
                    info.type, data = tarfile.REGTYPE, self.read(info.linkname)
                    info.linkname, info.size = "", len(data)
                elif info.isreg() and (source := members.extractfile(member)):
                    data = source.read()
                self.entries[info.name] = info, data

    def write(self, out: IO[bytes]) -> None:
        """Write the tree as an uncompressed tar archive, sorted by path, without names of users."""
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for path in self:
                info, data = self.entries[path]
                info.uname = info.gname = ""
                archive.addfile(info, io.BytesIO(data))
