"""Recognises programs that a distroless image must not hold, by name, by hash, and by what is in them.

The list is data, in tools.toml. Whether finding one is bad is the checks' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import TYPE_CHECKING

from pytest_lucid.config import toml
from pytest_lucid.image.distroless import base_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_lucid.content.elf import Elf
    from pytest_lucid.image.entries import Entry
    from pytest_lucid.image.inventory import Inventory

INTERPRETER = "interpreter"
_EXECUTABLE = 0o111
# Package managers that an interpreter runs without a program of their own.
_MANAGERS = (
    "/pip/__main__.py",
    "/ensurepip/__main__.py",
    "/uv/__main__.py",
    "/poetry/__main__.py",
    "/conda/__main__.py",
)


@dataclass(frozen=True, slots=True)
class Tool:
    """One kind of program and how it gives itself away; see tools.toml for the fields."""

    kind: str
    names: tuple[str, ...]
    markers: tuple[tuple[bytes, ...], ...] = ()
    scripts: tuple[bytes, ...] = ()
    needed: tuple[str, ...] = ()
    sha256: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Toolbox:
    """All kinds of programs that are looked for."""

    tools: tuple[Tool, ...]

    def by_name(self, name: str) -> str | None:
        """Return the kind of program that is called so."""
        kind = self._exact.get(name)
        return kind or next((kind for pattern, kind in self._patterns if fnmatchcase(name, pattern)), None)

    def by_hash(self, sha256: str) -> str | None:
        """Return the kind of program that is this very build."""
        return self._hashes.get(sha256)

    def in_program(self, elf: Elf, has: Callable[[bytes], bool]) -> Iterator[str]:
        """Yield each kind of which a program is, by its libraries and strings; `has` says whether a string is in it."""
        for tool in self.tools:
            linked = any(library.startswith(tool.needed) for library in elf.needed)
            if linked or any(all(has(marker) for marker in group) for group in tool.markers):
                yield tool.kind

    @cached_property
    def markers(self) -> tuple[bytes, ...]:
        """Every string that `in_program` may ask for."""
        return tuple({marker for tool in self.tools for group in tool.markers for marker in group})

    def in_script(self, data: bytes) -> Iterator[str]:
        """Yield each kind of which a script is."""
        yield from (tool.kind for tool in self.tools if any(marker in data for marker in tool.scripts))

    @cached_property
    def _exact(self) -> dict[str, str]:
        return {name: tool.kind for tool in self.tools for name in tool.names if "*" not in name}

    @cached_property
    def _patterns(self) -> list[tuple[str, str]]:
        # `[` is a program's name, and only `*` stands for anything.
        return [(name, tool.kind) for tool in self.tools for name in tool.names if "*" in name]

    @cached_property
    def _hashes(self) -> dict[str, str]:
        return {sha256: tool.kind for tool in self.tools for sha256 in tool.sha256}


def find_programs(inventory: Inventory) -> Mapping[str, tuple[str, ...]]:
    """Return the programs of an image by kind, each with what gave it away.

    Without what the base's own packages bring (but for interpreters): that was chosen with the base.
    """
    toolbox = load_toolbox()
    base = base_files(inventory)
    found: dict[str, list[str]] = {}
    for entry in inventory.merged.values():
        for kind, reason in _kinds(entry, toolbox):
            if kind == INTERPRETER or entry.path not in base:
                found.setdefault(kind, []).append(f"{entry}, {reason}")
    return {kind: tuple(programs) for kind, programs in found.items()}


def _kinds(entry: Entry, toolbox: Toolbox) -> Iterator[tuple[str, str]]:
    """Yield each kind of program that an entry is, and what gives it away."""
    runs = entry.kind == "link" or (entry.mode & _EXECUTABLE and (entry.content.elf or entry.content.shebang))
    if runs and (kind := toolbox.by_name(entry.name)):
        yield kind, "by its name"
    for kind in entry.content.tools:
        yield kind, "by its content"
    if module := next((module for module in _MANAGERS if f"/{entry.path}".endswith(module)), None):
        yield "package manager", f"the module {module.split('/')[1]}"


@cache
def load_toolbox() -> Toolbox:
    """Read the packaged list."""
    data = toml.packaged("pytest_lucid.image", "tools.toml")
    return Toolbox(
        tuple(
            Tool(
                kind=tool["kind"],
                names=tuple(tool["names"]),
                markers=tuple(tuple(marker.encode() for marker in group) for group in tool["markers"]),
                scripts=tuple(marker.encode() for marker in tool.get("scripts", ())),
                needed=tuple(tool.get("needed", ())),
                sha256=frozenset(tool.get("sha256", ())),
            )
            for tool in data["tool"]
        )
    )
