"""Every file of an image: the entries of each layer, and what they add up to. Judging them belongs to the checks."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_lucid.image.entries import Entry, Layer, display
from pytest_lucid.image.overlay import stack

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_LINKS = 40


@dataclass(frozen=True)
class Inventory:
    """What is in the image; `read` are its layers as they were read, lowest first."""

    reference: str
    read: tuple[Layer, ...] = field(repr=False)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, lowest first, with what their hard links to lower layers lead to."""
        return self._stacked[0]

    @cached_property
    def merged(self) -> Mapping[str, Entry]:
        """Every path that a container sees."""
        return self._stacked[1]

    @cached_property
    def _stacked(self) -> tuple[tuple[Layer, ...], Mapping[str, Entry]]:
        return stack(self.read)

    @cached_property
    def files(self) -> tuple[Entry, ...]:
        """The regular files that a container sees."""
        return tuple(entry for entry in self.merged.values() if entry.kind == "file")

    @cached_property
    def everywhere(self) -> tuple[tuple[str, Entry], ...]:
        """Every entry of every layer, those that a later layer hides included, with the words that say where it is."""
        merged = self.merged
        return tuple(
            (
                f"{display(path)} (layer {number}{'' if merged.get(path) is entry else ', hidden by a later one'})",
                entry,
            )
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
