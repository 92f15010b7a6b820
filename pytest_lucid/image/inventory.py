"""Every file of an image: the entries of each layer, and what they add up to. Judging them belongs to the checks."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping  # noqa: TC003 - the cache of layers asks for the types at run time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pytest_lucid.content.file_content import UNREAD, Content

Kind = Literal["file", "directory", "link", "device", "other"]
_MAX_LINKS = 40


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
        return f"/{self.path}"


@dataclass(frozen=True)
class Layer:
    """One layer: its entries, the paths that it removes from the layers below, and the directories that it empties."""

    diff_id: str
    # Thousands of entries would bury every report of a failure.
    entries: Mapping[str, Entry] = field(repr=False)
    removed: frozenset[str] = frozenset()
    emptied: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Inventory:
    """What is in the image, lowest layer first."""

    reference: str
    layers: tuple[Layer, ...] = field(repr=False)

    @cached_property
    def merged(self) -> Mapping[str, Entry]:
        """Every path that a container sees."""
        merged: dict[str, Entry] = {}
        for layer in self.layers:
            replaced = {path for path, entry in layer.entries.items() if entry.kind != "directory" and path in merged}
            gone = layer.removed | {path for path in replaced if merged[path].kind == "directory"}
            if gone or layer.emptied:
                merged = {path: entry for path, entry in merged.items() if not _is_gone(path, gone, layer.emptied)}
            merged.update(layer.entries)
        return merged

    @cached_property
    def files(self) -> tuple[Entry, ...]:
        """The regular files that a container sees."""
        return tuple(entry for entry in self.merged.values() if entry.kind == "file")

    @cached_property
    def everywhere(self) -> tuple[tuple[str, Entry], ...]:
        """Every entry of every layer, those that a later layer hides included, with the words that say where it is."""
        return tuple(
            (f"/{path} (layer {number}{'' if self.merged.get(path) is entry else ', hidden by a later one'})", entry)
            for number, layer in enumerate(self.layers, 1)
            for path, entry in layer.entries.items()
        )

    def resolve(self, path: str) -> Entry | None:
        """Return what an absolute path of a container leads to, through all links; None where it leads nowhere."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        at = ""
        links = 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                at = posixpath.dirname(at)
                continue
            here = f"{at}/{part}" if at else part
            entry = self.merged.get(here)
            if entry and entry.kind == "link":
                links += 1
                if links > _MAX_LINKS:
                    return None
                parts = [p for p in entry.target.split("/") if p not in ("", ".")] + parts
                at = "" if entry.target.startswith("/") else at
                continue
            at = here
        return self.merged.get(at)

    def find_program(self, name: str, search: str) -> Entry | None:
        """Return the file that a program's name stands for, as a loader finds it with the PATH `search`."""
        places = [name] if "/" in name else [f"{folder}/{name}" for folder in search.split(":") if folder]
        found = (self.resolve(place) for place in places)
        return next((entry for entry in found if entry and entry.kind == "file"), None)


def _is_gone(path: str, removed: frozenset[str] | set[str], emptied: frozenset[str]) -> bool:
    if path in removed:
        return True
    parent = posixpath.dirname(path)
    while parent:
        if parent in removed or parent in emptied:
            return True
        parent = posixpath.dirname(parent)
    return "" in emptied
