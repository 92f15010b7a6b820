"""What a stage's root filesystem is made of, as far as a Dockerfile says: entries with a place and an owner.

Existence has three answers, since what a RUN makes is often unknown: nothing is concluded from "maybe".
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.rootfs.modes import Mode
    from pytest_lucid.audit.rootfs.pip_installs import Install, Venv
    from pytest_lucid.dockerfile.context import Context

# Stages that copy each other twice double their entries.
_MOST_PIECES = 1_000
Existence = Literal["yes", "maybe", "no"]


@dataclass(frozen=True, slots=True)
class BuildEntry:
    """A file or folder at the absolute path `path`.

    kind "context": what is at `source` in the build context, a folder with all below it. "file" and "folder": made
    by a command, a folder without content. "unknown": anything may be at and below the path. "base": a
    folder of the base image, in which nothing of the service is, but anything of the system may be.
    `owner` and `group` are as written, None when not known. `open` means that everybody can write, `group_open` that
    the group can. `executable` is None where the mode in the context decides. `install` and `venv` say what is there:
    with `part`, the modules or the console scripts.
    """

    path: str
    kind: Literal["context", "file", "folder", "unknown", "base"]
    line: int
    source: str = ""
    owner: str | None = "0"
    group: str | None = "0"
    open: bool = False
    group_open: bool = False
    executable: bool | None = None
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
class User:
    """A user that a command makes: the number, the number of the group and the home, None where not known."""

    number: str | None
    group: str | None
    home: str | None


@dataclass(frozen=True, slots=True)
class Program:
    """A program that was looked up: its path ("" when it is nowhere), whether it is there, and the entry it is from."""

    path: str
    answer: Existence
    entry: BuildEntry | None


@dataclass(slots=True)
class Rootfs:
    """The entries of one stage, later ones on top of earlier ones, and the users that its commands make, by name.

    `settings` are what commands such as `poetry config` keep, as the variables that say the same.
    """

    context: Context
    entries: list[BuildEntry] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    def add(self, *entries: BuildEntry) -> None:
        """Put entries on top; of more than anybody writes, nothing is known."""
        self.entries.extend(entries)
        if len(self.entries) > _MOST_PIECES:
            self.entries = [BuildEntry("/", "unknown", self.entries[-1].line, owner=None)]

    def at(self, path: str) -> Iterator[BuildEntry]:
        """Yield the entries that may hold a path, the topmost first; a folder without content holds only itself."""
        for entry in reversed(self.entries):
            if entry.path == path or (entry.kind not in {"file", "folder"} and is_within(path, entry.path)):
                yield entry

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

    def is_brought(self, path: str) -> bool:
        """Whether there may be a file that neither the base nor a package has brought."""
        return any(entry.kind != "base" and entry.install is None for entry in self.at(path))

    def is_folder(self, path: str) -> Existence:
        """Whether there is a folder at a path; a file, or nothing, is "no"."""
        if path == "/":
            return "yes"
        doubted = False
        for entry in reversed(self.entries):
            verdict = self._folder_at(entry, path)
            if verdict == "maybe":
                doubted = True
            elif verdict == "yes" or (verdict == "no" and not doubted):
                return verdict
            elif verdict == "no":
                return "maybe"
        return "maybe" if doubted else "no"

    def _folder_at(self, entry: BuildEntry, path: str) -> Existence | None:
        """What one entry says about a folder at a path; None for nothing."""
        made = bool(entry.install or entry.venv)
        if entry.path != path and is_within(entry.path, path):
            return "yes" if made or entry.kind != "unknown" else "maybe"
        if not is_within(path, entry.path):
            return None
        if entry.kind == "context":
            inner = posixpath.normpath(posixpath.join(entry.source, _relative(path, entry.path)))
            if self._is_odd(inner):
                return "maybe"
            found = bool(self.context.find(inner).paths)
            return ("yes" if self.context.is_folder(inner) else "no") if found else None
        if entry.path != path:
            return "maybe" if entry.kind in {"unknown", "base"} else None
        kinds: dict[str, Existence] = {"folder": "yes", "base": "yes", "file": "no"}
        return "yes" if made else kinds.get(entry.kind, "maybe")

    def source(self, path: str) -> str | None:
        """The path in the build context of what is at a path; None when it is not from there, or not certainly."""
        for entry in self.at(path):
            if entry.kind == "context" and self._in_context(entry, path):
                return posixpath.normpath(posixpath.join(entry.source, _relative(path, entry.path)))
            if entry.kind == "file" and entry.path == path:
                return None
        return None

    def copy(self, start: str, target: str, *, line: int, owner: str | None = None) -> list[BuildEntry]:
        """Return the entries of `start` as they are at `target`; with `owner`, all of them belong to it there."""
        moved = [entry.moved(start, target) for entry in self.entries]
        return [
            replace(
                entry,
                kind="unknown" if entry.kind == "base" else entry.kind,
                line=line,
                owner=owner if owner is not None else entry.owner,
                group=owner if owner is not None else entry.group,
            )
            for entry in moved
            if entry is not None
        ]

    def remove(self, path: str) -> None:
        """Remove what is at and below a path; a part of an entry stays."""
        self.entries = [entry for entry in self.entries if not is_within(entry.path, path)]

    def chown(self, path: str, owner: str | None, group: str | None, *, deep: bool) -> None:
        """Change the owner, the group, or both, at a path and, when `deep`, below it."""
        for index, entry in self._touched(path, deep=deep):
            # A part of an entry has another owner than the rest: not known for the whole any more.
            whole = is_within(entry.path, path)
            self.entries[index] = replace(
                entry,
                owner=entry.owner if owner is None else owner if whole else None,
                group=entry.group if group is None else group if whole else None,
            )

    def chmod(self, path: str, mode: Mode, *, deep: bool) -> None:
        """Change the mode at a path and, when `deep`, below it."""
        inner = self.source(path)
        if inner is not None and not any(entry.path == path for entry in self.entries):
            # One file of a copied folder has another mode than the rest.
            holder = next(entry for entry in self.at(path) if entry.kind == "context")
            self.entries.append(replace(holder, path=path, source=inner, line=holder.line))
        for index, entry in self._touched(path, deep=deep):
            if is_within(entry.path, path):
                of_context = entry.kind == "context" and not self.context.is_folder(entry.source)
                is_file = of_context or entry.kind == "file"
                known = mode.executable if deep or is_file else entry.executable
                self.entries[index] = replace(
                    entry,
                    open=mode.open,
                    group_open=mode.group_open,
                    executable=entry.executable if known is None else known,
                )

    def make_executable(self, path: str) -> None:
        """Take every file at and below a path for executable: which of them are, nobody says."""
        for index, entry in self._touched(path, deep=True):
            if entry.kind in {"context", "file"}:
                self.entries[index] = replace(entry, executable=True)

    def _touched(self, path: str, *, deep: bool) -> list[tuple[int, BuildEntry]]:
        return [
            (index, entry)
            for index, entry in enumerate(self.entries)
            if entry.path == path or (deep and (is_within(entry.path, path) or is_within(path, entry.path)))
        ]

    def _is_odd(self, source: str) -> bool:
        # As a pattern, a name with such a character would match others.
        return bool(set(source) & set("*?[\\"))

    def _in_context(self, entry: BuildEntry, path: str) -> bool:
        inner = _relative(path, entry.path)
        source = posixpath.normpath(posixpath.join(entry.source, inner))
        if self._is_odd(source):
            return True
        return bool(self.context.find(source).paths)


def is_within(path: str, folder: str) -> bool:
    """Whether an absolute path is a folder or is below it."""
    return folder in {path, "/"} or path.startswith(f"{folder}/")


def _relative(path: str, folder: str) -> str:
    return "." if path == folder else path[len(folder.rstrip("/")) + 1 :]


def _join(folder: str, inner: str) -> str:
    return posixpath.normpath(posixpath.join(folder, inner))
