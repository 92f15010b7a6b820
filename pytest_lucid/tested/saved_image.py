"""An image in a file, of `docker save` or an OCI layout. Its files are kept aside, and no engine is needed."""

from __future__ import annotations

import hashlib
import posixpath
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, TYPE_CHECKING, BinaryIO

from pytest_lucid.content.file_content import UNREAD, Content
from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.tested import FoundFile
from pytest_lucid.image.layer_cache import LayerCache
from pytest_lucid.image.saved import read_path
from pytest_lucid.image.scan import Scanner
from pytest_lucid.image.tools import load_toolbox
from pytest_lucid.target.images import OWN_ARCHITECTURE
from pytest_lucid.tested.at_rest import AtRest
from pytest_lucid.tested.declared import read_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_lucid.formats.tested import DeclaredConfig, Invocation, Ran
    from pytest_lucid.image.config import Image
    from pytest_lucid.image.entries import Entry
    from pytest_lucid.image.inventory import Inventory

_CHUNK = 1 << 20
_ROOT = FoundFile("directory", 0o755, 0, 0)


@dataclass(frozen=True)
class _Keeping(Scanner):
    """Keeps the bytes of every file, once each, in one temporary file; judges nothing."""

    spool: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    # SHA-256 of a file → where it begins, and its size.
    places: dict[str, tuple[int, int]] = field(default_factory=dict)

    def scan(self, path: str, size: int, file: BinaryIO) -> tuple[str, Content]:  # noqa: ARG002 - as a scanner
        """Keep a file."""
        sha = hashlib.sha256()
        begins = self.spool.seek(0, 2)
        while chunk := file.read(_CHUNK):
            sha.update(chunk)
            self.spool.write(chunk)
        if sha.hexdigest() in self.places:
            self.spool.truncate(begins)
        self.places.setdefault(sha.hexdigest(), (begins, size))
        return sha.hexdigest(), UNREAD

    def content(self, sha256: str) -> bytes:
        """The bytes of a file that was kept."""
        begins, size = self.places[sha256]
        self.spool.seek(begins)
        return self.spool.read(size)


class SavedImageUnderTest(AtRest):
    """The one image in `path`; of an image for several platforms, the one that runs here."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path
        self._kept = _Keeping(load_toolbox(), ())

    @cached_property
    def _read(self) -> tuple[Image, Inventory]:
        found = list(read_path(self._path, LayerCache(self._kept)).images())
        fitting = [pair for pair in found if pair[0].architecture == OWN_ARCHITECTURE] if len(found) > 1 else found
        if len(fitting) != 1:
            held = ", ".join(f"{' '.join(image.tags)} ({image.architecture})" for image, _ in found) or "none"
            raise ConfigError(f"{self._path}: expected one image for {OWN_ARCHITECTURE}, got {held}")
        return fitting[0]

    def config(self) -> DeclaredConfig:
        """What it declares."""
        return read_config(self._read[0].document or {})

    def look(self, path: str) -> FoundFile | None:
        """The file at `path`, itself and not what a link there leads to; None where there is none."""
        folder, name = posixpath.split(posixpath.normpath(f"/{path}".replace("//", "/")))
        if not name:
            return _ROOT
        inventory = self._read[1]
        parent = inventory.resolve(folder)
        if folder != "/" and parent is None:
            return None
        entry = inventory.merged.get(f"{parent.path}/{name}" if parent else name)
        return _found(entry) if entry else None

    def read(self, path: str) -> bytes | None:
        """The content of the regular file at `path`, through all links; None where there is none."""
        entry = self._read[1].resolve(path)
        return self._kept.content(entry.sha256) if entry and entry.kind == "file" else None

    def folders(self, path: str) -> tuple[str, ...] | None:
        """The names of the directories in the directory `path`; None where there is none."""
        inventory = self._read[1]
        folder = inventory.resolve(path)
        if folder is None or folder.kind != "directory":
            return None
        below = [entry for at, entry in inventory.merged.items() if posixpath.dirname(at) == folder.path]
        return tuple(entry.name for entry in below if entry.kind == "directory")

    def files(self, path: str) -> Mapping[str, bytes]:
        """The content of each regular file right in the directory `path`, by name; nothing where there is none."""
        inventory = self._read[1]
        folder = inventory.resolve(path)
        if folder is None or folder.kind != "directory":
            return {}
        return {
            entry.name: self._kept.content(entry.sha256)
            for at, entry in inventory.merged.items()
            if entry.kind == "file" and posixpath.dirname(at) == folder.path
        }

    def run(self, command: Invocation) -> Ran:
        """Refuse: a file runs nothing."""
        raise ConfigError(
            f"{command.argv[0]} cannot run: {self._path} is a file, and commands need an engine. Load the image "
            "(`docker load`), and give its name."
        )

    def close(self) -> None:
        """Let go of the files that were kept."""
        self._kept.spool.close()


def _found(entry: Entry) -> FoundFile:
    kind = "fifo" if entry.kind == "other" else entry.kind
    return FoundFile(kind, entry.mode, entry.uid, entry.gid, entry.size, entry.target)
