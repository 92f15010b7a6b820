"""What a stage's root filesystem is made of, as far as a Dockerfile tells: entries with a place and an owner.

Existence has three answers, since what a RUN makes is often unknown: nothing is concluded from "maybe".
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.rootfs.pip_installs import Install, Venv
    from pytest_lucid.dockerfile.context import Context

# Stages that copy each other twice double their entries.
_MOST_PIECES = 1_000
Existence = Literal["yes", "maybe", "no"]


@dataclass(frozen=True, slots=True)
class BuildEntry:
    """A file or folder at the absolute path `path`.

    kind "context": what lies at `source` in the build context, a folder with all below it. "file" and "folder": made
    by a command, a folder without content. "unknown": anything may be at and below the path. "base": a
    folder of the base image, in which nothing of the service is, but anything of the system may be.
    `owner` is as written, None when not known. `open` tells that others than the owner can write. `install` and `venv`
    say what is there: with `part`, the modules or the console scripts.
    """

    path: str
    kind: Literal["context", "file", "folder", "unknown", "base"]
    line: int
    source: str = ""
    owner: str | None = "0"
    open: bool = False
    install: Install | None = None
    part: Literal["", "modules", "scripts"] = ""
    venv: Venv | None = None

    def moved(self, start: str, target: str) -> BuildEntry | None:
        """The part of it that a copy of `start` to `target` takes along; None when nothing."""
        if is_within(self.path, start):
            return replace(self, path=_join(target, _relative(self.path, start)))
        if not is_within(start, self.path) or self.kind in {"file", "folder"}:
            return None
        inner = _relative(start, self.path)
        source = self.source if self.kind != "context" else posixpath.normpath(posixpath.join(self.source, inner))
        return replace(self, path=target, source=source, install=None, part="", venv=None)


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was looked up: its path ("" when it is nowhere), whether it is there, and the entry it is from."""

    path: str
    answer: Existence
    entry: BuildEntry | None


@dataclass(slots=True)
class Rootfs:
    """The entries of one stage, later ones on top of earlier ones."""

    context: Context
    entries: list[BuildEntry] = field(default_factory=list)

    def add(self, *entries: BuildEntry) -> None:
        """Put entries on top; of more than anybody writes, nothing is known."""
        self.entries.extend(entries)
        if len(self.entries) > _MOST_PIECES:
            self.entries = [BuildEntry("/", "unknown", self.entries[-1].line, owner=None)]

    def at(self, path: str) -> Iterator[BuildEntry]:
        """Yield the entries that hold a path or lie above it, the topmost first."""
        yield from (entry for entry in reversed(self.entries) if is_within(path, entry.path))

    def below(self, path: str) -> Iterator[BuildEntry]:
        """Yield the entries at or below a path."""
        yield from (entry for entry in self.entries if is_within(entry.path, path))

    def exists(self, path: str, *, in_base: bool = True) -> Existence:
        """Whether there is a file or folder; without `in_base`, one that is not of the base image."""
        answer: Existence = "no"
        for entry in self.entries:
            kind = entry.kind
            if kind == "base" and not in_base:
                continue
            if is_within(entry.path, path):
                if kind not in {"unknown", "base"}:
                    return "yes"
                answer = "maybe"
            elif kind not in {"file", "folder"} and is_within(path, entry.path):
                if kind != "context":
                    answer = "maybe"
                elif self._in_context(entry, path):
                    return "yes"
        return answer

    def source(self, path: str) -> str | None:
        """The path in the build context of what lies at a path; None when it is not from there, or not certainly."""
        for entry in self.at(path):
            if entry.kind == "context" and self._in_context(entry, path):
                return posixpath.normpath(posixpath.join(entry.source, _relative(path, entry.path)))
            if entry.kind == "file" and entry.path == path:
                return None
        return None

    def copy(
        self, start: str, target: str, *, line: int, owner: str | None = None, others: bool = False
    ) -> list[BuildEntry]:
        """Return the entries of `start` as they are at `target`; with `owner`, all of them belong to it there."""
        moved = [entry.moved(start, target) for entry in self.entries]
        return [
            replace(
                entry,
                kind="unknown" if entry.kind == "base" else entry.kind,
                line=line,
                owner=owner if owner is not None else entry.owner,
                open=others or entry.open,
            )
            for entry in moved
            if entry is not None
        ]

    def remove(self, path: str) -> None:
        """Take away what lies at and below a path; what is only a part of a entry stays."""
        self.entries = [entry for entry in self.entries if not is_within(entry.path, path)]

    def change(self, path: str, *, owner: str | None = None, others: bool | None = None, deep: bool) -> None:
        """Change owner or mode at a path and, when `deep`, below it."""
        for index, entry in enumerate(self.entries):
            if (is_within(entry.path, path) if deep else entry.path == path) or (deep and is_within(path, entry.path)):
                # A part of a entry has another owner than the rest: not known for the whole any more.
                whole = is_within(entry.path, path)
                self.entries[index] = replace(
                    entry,
                    owner=entry.owner if owner is None else owner if whole else None,
                    open=entry.open if others is None or not whole else others,
                )

    def _in_context(self, entry: BuildEntry, path: str) -> bool:
        inner = _relative(path, entry.path)
        source = posixpath.normpath(posixpath.join(entry.source, inner))
        if set(source) & set("*?[\\"):
            return True
        return bool(self.context.find(source).paths)


def is_within(path: str, folder: str) -> bool:
    """Whether an absolute path is a folder or lies below it."""
    return folder in {path, "/"} or path.startswith(f"{folder}/")


def _relative(path: str, folder: str) -> str:
    return "." if path == folder else path[len(folder.rstrip("/")) + 1 :]


def _join(folder: str, inner: str) -> str:
    return posixpath.normpath(posixpath.join(folder, inner))
