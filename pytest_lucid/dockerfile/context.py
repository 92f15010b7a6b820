"""The build context: which files a COPY or ADD source names, after `.dockerignore`; whether that is wise is for checks.

Folders are listed once and remembered; nothing outside the root is looked at, and no symlink is followed out of it.
Names are compared exactly, also on file systems that ignore case: the engine that builds does not ignore it.
"""

from __future__ import annotations

import os
import posixpath
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.glob import Glob
from pytest_lucid.dockerfile.ignore import Ignore, clean, read_ignore, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The engine itself gives up after 255 links.
_MOST_LINKS = 40
_MOST_PATHS = 20_000
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class SourceMatch:
    """What a source resolves to, relative to the root with forward slashes; the root itself is ".".

    `paths` exist and are in the context; `ignored` exist on disk and are kept out of it by `.dockerignore`; `broken`
    are symlinks that dangle or loop, on which builders fail even behind a wildcard. `climbs` tells that the source
    leaves the root by `..`: BuildKit stops at the root, the classic builder refuses. `error` says why a pattern cannot
    be read.
    """

    source: str
    paths: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    climbs: bool = False
    error: str = ""


@dataclass(slots=True)
class Context:
    """A context's root and what is kept out of it."""

    root: Path
    ignore: Ignore
    _folders: dict[str, dict[str, int]] = field(default_factory=dict, repr=False)
    _found: dict[tuple[str, bool], SourceMatch] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> tuple[Path, Path | None]:
        """What a context depends on while no file changes: its root, and the file of patterns in force."""
        return self.root, self.ignore.path

    def find(self, source: str, *, folders: bool = False) -> SourceMatch:
        """Resolve one source; `..` and `/` stop at the root. With `folders` (`--parents`), `**` spans folders."""
        key = (source, folders)
        if key not in self._found:
            self._found[key] = self._find(source, folders=folders)
        return self._found[key]

    def _find(self, source: str, *, folders: bool) -> SourceMatch:
        written = source.replace(os.sep, "/")
        climbs = not written.startswith("/") and posixpath.normpath(written).split("/", 1)[0] == ".."
        cleaned = clean(posixpath.normpath(f"/{written}"))
        try:
            matches = sorted(self._match([] if cleaned == "." else cleaned.split("/"), folders=folders))
        except ValueError as error:
            return SourceMatch(source, (), climbs=climbs, error=str(error))
        kept: list[str] = []
        ignored: list[str] = []
        broken: list[str] = []
        for path in matches:
            real = self.real(path)
            if real is None:
                broken.append(path)
            else:
                sent = self._is_sent(path) and (real == path or self._is_sent(real))
                (kept if sent else ignored).append(path or ".")
        return SourceMatch(source, tuple(kept), tuple(ignored), tuple(broken), climbs=climbs)

    def files(self, path: str = ".") -> Iterator[str]:
        """Yield every file in the context at or below a path, sorted; symlinks are named, not followed."""
        start = "" if path == "." else path
        mode = self._mode(start)
        if mode is None:
            return
        if not stat.S_ISDIR(mode):
            if not self.ignore.ignores(start):
                yield start
            return
        pending = [start]
        while pending:
            folder = pending.pop()
            below: list[str] = []
            for name, mode in sorted(self._list(folder).items()):
                inner = _join(folder, name)
                if stat.S_ISDIR(mode):
                    if not self.ignore.prunes(inner):
                        below.append(inner)
                elif not self.ignore.ignores(inner):
                    yield inner
            pending.extend(reversed(below))

    def is_folder(self, path: str) -> bool:
        """Whether a path of the context is a folder, or a link to one."""
        real = self.real("" if path == "." else path)
        mode = None if real is None else self._mode(real)
        return mode is not None and stat.S_ISDIR(mode)

    def is_executable(self, path: str) -> bool | None:
        """Whether a file may be executed; None where the file system knows no such thing (Windows), or no such file."""
        real = self.real(path)
        mode = None if real is None else self._mode(real)
        return None if mode is None or os.name != "posix" else bool(mode & 0o111)

    def head(self, path: str) -> bytes | None:
        """The first bytes of a file, at most 4096; None when it cannot be read."""
        real = self.real(path)
        if real is None:
            return None
        try:
            with (self.root / real).open("rb") as file:
                return file.read(_HEAD)
        except OSError:
            return None

    def _is_sent(self, path: str) -> bool:
        if not path or not self.ignore.ignores(path):
            return True
        mode = self._mode(path)
        # An ignored folder is still sent when an exception keeps something in it.
        return mode is not None and stat.S_ISDIR(mode) and next(self.files(path), None) is not None

    def _match(self, parts: list[str], *, folders: bool) -> set[str]:
        """Return the paths that the parts of a source name; raises ValueError on a bad or an exploding pattern."""
        found: set[str] = set()
        seen = {("", 0)}
        pending = [("", 0)]
        while pending:
            folder, index = pending.pop()
            if index == len(parts):
                found.add(folder)
                continue
            names = self._list(self.real(folder))
            if folders and parts[index] == "**":
                below = [name for name, mode in names.items() if stat.S_ISDIR(mode)]
                steps = [(folder, index + 1), *((_join(folder, name), index) for name in below)]
            else:
                steps = [(_join(folder, name), index + 1) for name in _chosen(names, parts[index])]
            fresh = [step for step in steps if step not in seen]
            seen.update(fresh)
            pending.extend(fresh)
            # Wildcards over links that lead upwards name a number of paths that grows with every part.
            if len(seen) > _MOST_PATHS:
                raise ValueError(f"it names more than {_MOST_PATHS} paths")
        return found

    def _list(self, folder: str | None) -> dict[str, int]:
        """Return the names in a folder with their file modes; nothing for what cannot be listed."""
        if folder is None:
            return {}
        if folder not in self._folders:
            names: dict[str, int] = {}
            try:
                with os.scandir(self.root / folder) as entries:
                    for entry in entries:
                        names[entry.name] = entry.stat(follow_symlinks=False).st_mode
            except OSError:
                names = {}
            self._folders[folder] = names
        return self._folders[folder]

    def _mode(self, path: str) -> int | None:
        if not path:
            return stat.S_IFDIR
        folder, name = posixpath.split(path)
        return self._list(folder).get(name)

    def real(self, path: str) -> str | None:
        """Follow symlinks as if the root were /; None for a dangling link or a loop."""
        done, links = "", 0
        pending = [part for part in reversed(path.split("/")) if part]
        while pending:
            part = pending.pop()
            if part in {".", ".."}:
                done = posixpath.dirname(done) if part == ".." else done
                continue
            mode = self._mode(_join(done, part))
            if mode is None:
                return None
            if not stat.S_ISLNK(mode):
                done = _join(done, part)
                continue
            links += 1
            if links > _MOST_LINKS:
                return None
            try:
                target = str((self.root / done / part).readlink()).replace(os.sep, "/")
            except OSError:
                return None
            done = "" if target.startswith("/") else done
            pending.extend(part for part in reversed(target.split("/")) if part)
        return done


def read_context(root: Path, dockerfile: Path | None = None) -> Context:
    """Open the context at `root`; pass the Dockerfile when BuildKit builds it (see `ignore.read_ignore`)."""
    return Context(root, read_ignore(root, dockerfile))


def _chosen(names: dict[str, int], part: str) -> list[str]:
    if not set(part) & set("*?[\\"):
        return [part] if part in names else []
    glob = Glob(tuple(tokens(part, folders=False)))
    return [name for name in names if glob.matches(name)]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
