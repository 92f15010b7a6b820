"""The entries of an image's layers: the types that reading, stacking and asking share."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the cache of layers asks for the types at run time
from dataclasses import dataclass, field
from typing import Literal

from pytest_lucid.content.file_content import UNREAD, Content

Kind = Literal["file", "directory", "link", "device", "other"]


def display(path: str) -> str:
    r"""Return how a message shows a path of an image: bytes that are no UTF-8, and control characters, as `\xff`."""
    if not path.isprintable():
        text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        path = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"/{path}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a layer, without a leading slash; `mode` are the permission bits, size in bytes, mtime in seconds.

    `sha256` and `content` are a file's, `target` is a symbolic link's.
    """

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int = 0
    mtime: int = 0
    sha256: str = ""
    target: str = ""
    capabilities: bool = False
    content: Content = UNREAD

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def __str__(self) -> str:
        """Return how a finding names it."""
        return display(self.path)


@dataclass(frozen=True)
class Layer:
    """One layer: its entries, the paths that it removes from the layers below, and the directories that it empties.

    `links` are the hard links to files of layers below, path → target; in `entries` these have no content yet.
    """

    diff_id: str
    # Thousands of entries would bury every report of a failure.
    entries: Mapping[str, Entry] = field(repr=False)
    removed: frozenset[str] = frozenset()
    emptied: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)
