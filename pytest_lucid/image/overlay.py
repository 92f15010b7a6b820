"""What the layers of an image add up to, by the rules of overlay2, which engines use. It reads no layer.

Each rule was compared with a real engine (tests/engine/test_image_layers.py).
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_lucid.content.file_content import Content
from pytest_lucid.image.entries import Entry, display

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_lucid.image.entries import Layer

# What engines give a folder that a layer does not list, even where a lower layer lists it with another mode.
_IMPLIED_MODE = 0o755


def stack(layers: Iterable[Layer]) -> tuple[tuple[Layer, ...], Mapping[str, Entry]]:
    """Return the layers with the content of their hard links to lower ones, and every path that a container sees."""
    tree = _Tree()
    resolved = []
    for layer in layers:
        linked = {path: _linked(layer.entries[path], tree.entries.get(to), to) for path, to in layer.links.items()}
        whole = replace(layer, entries={**layer.entries, **linked}, links={}) if linked else layer
        tree.add(whole)
        resolved.append(whole)
    return tuple(resolved), tree.entries


def _linked(link: Entry, first: Entry | None, target: str) -> Entry:
    if first is None:
        return replace(
            link, content=Content(problem=f"it is a hard link to {display(target)}, which no layer below has")
        )
    return replace(first, path=link.path)


class _Tree:
    """The files of the layers so far."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self._inside: dict[str, set[str]] = {}

    def add(self, layer: Layer) -> None:
        """Put one more layer on top."""
        for path in layer.removed:
            self._remove(path)
        for folder in layer.emptied:
            self._empty(folder)
        above = {**{folder: _implied(folder) for folder in _implied_folders(layer)}, **layer.entries}
        for path, entry in above.items():
            # Only two folders are seen as one; anything else hides what is below it.
            if (below := self.entries.get(path)) and not (below.kind == entry.kind == "directory"):
                self._remove(path)
        for path, entry in above.items():
            self._put(path, entry)

    def _put(self, path: str, entry: Entry) -> None:
        self.entries[path] = entry
        if path:
            self._inside.setdefault(posixpath.dirname(path), set()).add(path)

    def _remove(self, path: str) -> None:
        self._empty(path)
        if self.entries.pop(path, None):
            self._inside[posixpath.dirname(path)].discard(path)

    def _empty(self, folder: str) -> None:
        doomed = list(self._inside.pop(folder, ()))
        while doomed:
            path = doomed.pop()
            self.entries.pop(path, None)
            doomed += self._inside.pop(path, ())


def _implied(folder: str) -> Entry:
    return Entry(folder, "directory", _IMPLIED_MODE, 0, 0)


def _implied_folders(layer: Layer) -> Iterator[str]:
    """Yield the folders that a layer does not list and that an engine makes, for the files and whiteouts in them."""
    seen = set()
    for path in (*layer.entries, *layer.removed, *(f"{folder}/." for folder in layer.emptied)):
        folder = posixpath.dirname(path)
        while folder and folder not in seen:
            seen.add(folder)
            if folder not in layer.entries:
                yield folder
            folder = posixpath.dirname(folder)
