"""Where a COPY or an ADD puts things, by BuildKit's rule: what that means for the service is for the rules.

The destination is a folder when it ends in a slash, is "." or nothing, or when a folder is there by then; a file then
lands in it, and of a folder the content does. A wildcard is copied match by match: of two files that go to a
destination that is no folder, the later one stays.
"""

from __future__ import annotations

import posixpath
import re
import tarfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_lucid.audit.rootfs.modes import is_executable, is_group_open, is_open
from pytest_lucid.audit.rootfs.rootfs import BuildEntry
from pytest_lucid.dockerfile.ignore import parse_ignore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_lucid.audit.rootfs.rootfs import Existence, Rootfs
    from pytest_lucid.dockerfile.context import Context
    from pytest_lucid.dockerfile.facts import Copy

_WILD = re.compile(r"[*?\[]")
_REPOSITORY = re.compile(r"git@|git://|.*\.git(?:#.*)?$")
# Of a folder with more files than this, an --exclude is not worked out.
_MOST_FILES = 500


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a COPY puts things; `owner` and `group` are None when the source's are kept."""

    copy: Copy
    path: str
    is_folder: Existence
    owner: str | None
    group: str | None

    def places(self, name: str, *, is_file: bool) -> list[str]:
        """Where a file or a folder of this name may come to be; one place when that is certain."""
        inside = posixpath.join(self.path, name)
        if not is_file or self.is_folder == "no":
            return [self.path]
        return [inside] if self.is_folder == "yes" else [self.path, inside]

    def entry(self, path: str, kind: str, *, source: str = "", owner: str | None = "0") -> BuildEntry:
        """An entry with the owner and the mode that the instruction states."""
        mode = self.copy.chmod or ""
        return BuildEntry(
            path,
            kind,  # type: ignore[arg-type]  # one of BuildEntry's kinds
            self.copy.line,
            source=source,
            owner=self.owner or owner,
            group=self.group or owner,
            open=is_open(mode),
            group_open=is_group_open(mode),
            executable=is_executable(mode),
        )

    def spread(self, name: str, kind: str, *, source: str = "", is_file: bool = True) -> Iterator[BuildEntry]:
        """An entry at its place; at both, and with an unknown beside them, where that is not certain."""
        places = self.places(name, is_file=is_file)
        if len(places) > 1:
            yield self.entry(self.path, "unknown", owner="0")
        yield self.entry(places[0], kind, source=source)


def apply_copy(files: Rootfs, copy: Copy, stages: Mapping[int, Rootfs]) -> None:
    """Put on a stage what one COPY or ADD copies, from the context or from the stages before."""
    folder: Existence = "yes" if copy.target.endswith("/") or len(copy.sources) + len(copy.heredocs) > 1 else "no"
    path = copy.target.rstrip("/") or "/"
    if folder == "no":
        folder = files.is_folder(path)
        if folder == "no" and copy.destination.endswith("/."):
            folder = "maybe"  # builders differ: older ones make a file of that name
    owner, _, group = (copy.chown or "").partition(":")
    target = _Target(copy, path, folder, owner or None, group or owner or None)
    if folder == "yes" and files.is_folder(path) != "yes":
        files.add(BuildEntry(path, "folder", copy.line, owner=target.owner or "0", group=target.group or "0"))
    for heredoc in copy.heredocs:
        files.add(*target.spread(heredoc.name, "file"))
    origin = None if copy.origin.stage is None else stages.get(copy.origin.stage)
    for source in copy.sources:
        if copy.origin.kind == "context":
            files.add(*_from_context(files.context, source, target))
        elif origin is not None and not (_WILD.search(source) or _flags(copy)):
            files.add(*_from_stage(origin, source, target))
        else:
            files.add(target.entry(path, "unknown", owner=None if copy.origin.kind == "stage" else "0"))


def _flags(copy: Copy) -> set[str]:
    return {flag.name for flag in copy.flags} & {"parents", "exclude"}


def _from_context(context: Context, source: str, target: _Target) -> list[BuildEntry]:
    if "://" in source or source.startswith("git@"):
        return _from_network(source, target)
    copy, flags = target.copy, _flags(target.copy)
    found = context.find(source, folders="parents" in flags)
    if found.error or not found.paths or (flags == {"exclude"} and _WILD.search(source)):
        return [target.entry(target.path, "unknown", owner="0")]
    entries: list[BuildEntry] = []
    for path in found.paths:
        is_file = not context.is_folder(path)
        if copy.name == "ADD" and is_file and _is_archive(context, path):
            entries.append(target.entry(target.path, "unknown", owner="0"))
        elif "parents" in flags:
            inner = posixpath.join(target.path, _below_pivot(source, path))
            entries += _without_excluded(context, path, inner, target)
        elif is_file:
            entries += target.spread(posixpath.basename(path), "context", source=path)
        else:
            entries += _without_excluded(context, path, target.path, target)
    return entries


def _below_pivot(source: str, path: str) -> str:
    """What --parents keeps of a path: all of it, or what is behind the `/./` of the source."""
    pivot, found, _ = source.replace("\\", "/").lstrip("/").partition("/./")
    depth = len([part for part in pivot.split("/") if part not in {"", "."}]) if found else 0
    return "/".join(path.split("/")[depth:])


def _without_excluded(context: Context, path: str, place: str, target: _Target) -> list[BuildEntry]:
    """A folder, or with --exclude each of its files that no pattern matches; patterns are relative to the folder."""
    patterns = [flag.value for flag in target.copy.flags if flag.name == "exclude" and flag.value]
    if not patterns:
        return [target.entry(place, "context", source=path)]
    ignore = parse_ignore("\n".join(patterns))
    entries: list[BuildEntry] = []
    for file in context.files(path):
        inner = posixpath.relpath(file, path) if path != file else posixpath.basename(file)
        if not ignore.ignores(inner):
            at = posixpath.join(place, inner) if path != file else place
            entries.append(target.entry(at, "context", source=file))
        if len(entries) > _MOST_FILES:
            return [target.entry(place, "unknown", owner="0")]
    return entries


def _is_archive(context: Context, path: str) -> bool:
    """Whether ADD unpacks a file: a tar, compressed or not, whatever its name is."""
    real = context.real(path)
    try:
        with (context.root / (real or path)).open("rb") as file:
            # zstd, which tarfile reads only in newer Pythons.
            if file.read(4) == b"\x28\xb5\x2f\xfd":
                return True
        return tarfile.is_tarfile(context.root / (real or path))
    except OSError:
        return False


def _from_network(source: str, target: _Target) -> list[BuildEntry]:
    """A file under the last name of its URL; of a repository the whole tree."""
    name = posixpath.basename(urlsplit(source).path.rstrip("/")) if "://" in source else ""
    if not name or _REPOSITORY.match(source):
        return [target.entry(target.path, "unknown", owner="0")]
    return list(target.spread(name, "file"))


def _from_stage(origin: Rootfs, source: str, target: _Target) -> list[BuildEntry]:
    start = posixpath.normpath("/" + source.lstrip("/"))
    is_folder = origin.is_folder(start)
    is_file = is_folder == "no" and origin.exists(start) == "yes"
    places = target.places(posixpath.basename(start), is_file=is_file)
    if is_folder == "maybe" and target.is_folder != "no":
        # A file would be in the folder, a folder's content as the folder's.
        moved = origin.copy(start, target.path, line=target.copy.line)
        entries = [BuildEntry(target.path, "unknown", target.copy.line, owner=None), *moved]
    else:
        entries = origin.copy(start, places[0], line=target.copy.line)
        if len(places) > 1:
            entries.insert(0, target.entry(target.path, "unknown", owner="0"))
    return [_owned(entry, target) for entry in entries]


def _owned(entry: BuildEntry, target: _Target) -> BuildEntry:
    mode = target.copy.chmod or ""
    executable = is_executable(mode)
    return replace(
        entry,
        owner=target.owner or entry.owner,
        group=target.group or entry.group,
        open=is_open(mode) or entry.open,
        group_open=is_group_open(mode) or entry.group_open,
        executable=entry.executable if executable is None else executable,
    )
