"""`.dockerignore`: which file of patterns applies, and which paths it keeps out of the build context.

The rules are those of the engine's own matcher: patterns are cleaned as paths and relative to the root, `**` spans
folders, a pattern that matches a folder matches all below it, `!` makes an exception, the last matching line wins.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.glob import ANY_RUN, NOT_SLASH, NOT_SLASH_RUN, OPTIONAL, Glob, Token, literal
from pytest_lucid.dockerfile.syntax import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: the cleaned pattern, whether it is an exception, its line."""

    text: str
    exception: bool
    line: int
    glob: Glob = field(compare=False, repr=False)


@dataclass(slots=True)
class Ignore:
    """The patterns in force; `path` is None when no file states any.

    `classic` prunes as the classic builder does: an exception whose text does not begin with an ignored folder's own
    name (such as `!**/*.py`) brings nothing back from that folder.
    """

    path: Path | None
    patterns: tuple[Pattern, ...]
    problems: tuple[Problem, ...] = ()
    classic: bool = False
    _known: dict[str, _Verdict] = field(default_factory=dict, repr=False)

    def ignores(self, path: str) -> bool:
        """Return whether a path, relative to the root with forward slashes, is kept out of the context."""
        verdict = _Verdict((False,) * len(self.patterns), ignored=False, pruned=False)
        for end in (*(index for index, char in enumerate(path) if char == "/"), len(path)):
            prefix = path[:end]
            folder = end < len(path)
            known = self._known.get(prefix) if folder else None
            if known is None:
                known = self._verdict(prefix, verdict)
                if folder:
                    self._known[prefix] = known
            verdict = known
            if folder and verdict.pruned:
                return True
        return verdict.ignored

    def prunes(self, folder: str) -> bool:
        """Return whether nothing below a folder can be in the context."""
        self.ignores(f"{folder}/")
        return self._known[folder].pruned if folder in self._known else True

    def _verdict(self, path: str, parent: _Verdict) -> _Verdict:
        # As the engine does it: a pattern that could not change the result is not tried, and counts as no match below.
        ignored = False
        matched: list[bool] = []
        for pattern, above in zip(self.patterns, parent.matched, strict=True):
            match = above or (pattern.exception == ignored and pattern.glob.matches(path))
            matched.append(match)
            if match:
                ignored = not pattern.exception
        exceptions = [pattern.text for pattern in self.patterns if pattern.exception]
        if self.classic:
            exceptions = [text for text in exceptions if f"{text}/".startswith(f"{path}/")]
        return _Verdict(tuple(matched), ignored=ignored, pruned=ignored and not exceptions)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """For one path: which patterns match it or a folder above it, and what follows."""

    matched: tuple[bool, ...]
    ignored: bool
    pruned: bool


def read_ignore(root: Path, dockerfile: Path | None = None) -> Ignore:
    """Read `<Dockerfile>.dockerignore` beside the Dockerfile, which BuildKit prefers, else the root's file.

    Pass no Dockerfile for the classic builder, which knows the root's alone. An unreadable file is a problem at line 1.
    """
    candidates = [root / ".dockerignore"]
    if dockerfile is not None:
        candidates.insert(0, dockerfile.with_name(f"{dockerfile.name}.dockerignore"))
    classic = dockerfile is None
    for path in candidates:
        try:
            text = path.read_bytes().decode(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            return Ignore(path, (), (Problem("dockerignore", 1, f"Cannot be read: {error.strerror}."),))
        return parse_ignore(text, path, classic=classic)
    return Ignore(None, ())


def parse_ignore(text: str, path: Path | None = None, *, classic: bool = False) -> Ignore:
    """Parse the text of a `.dockerignore`."""
    patterns: list[Pattern] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.startswith("#") or not line.strip():
            continue
        body = line.strip()
        exception = body.startswith("!")
        cleaned = clean(body[1:].strip() if exception else body)
        if cleaned == "." and not exception:
            continue  # by the documentation, the pattern . is ignored
        if cleaned == ".":
            problems.append(Problem("dockerignore", number, "'!' needs a pattern."))
            continue
        try:
            patterns.append(Pattern(cleaned, exception, number, Glob(tuple(tokens(cleaned, folders=True)))))
        except ValueError as error:
            problems.append(Problem("dockerignore", number, f"{body[:40]!r}: {error}."))
    return Ignore(path, tuple(patterns), tuple(problems), classic=classic)


def clean(path: str) -> str:
    """Clean a path as Go's filepath.Clean does, and make it relative to the root; `.` is the root itself."""
    cleaned = posixpath.normpath(path) if path else "."
    return cleaned.lstrip("/") or "."


def tokens(pattern: str, *, folders: bool) -> Iterator[Token]:
    """Compile a pattern in filepath.Match's syntax; with `folders`, `**` spans folders. Raises ValueError on `[`."""
    index = 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*" and folders and pattern.startswith("*", index):
            index += 1
            if pattern.startswith("/", index):
                index += 1
            if index == len(pattern):
                yield ANY_RUN
            elif index == len("**") and not set(pattern[index:]) & set("*?[\\"):
                yield ANY_RUN  # the engine takes a leading **name as "ends in name"
            else:
                yield from (OPTIONAL, ANY_RUN, literal("/"))
        elif char == "*":
            yield NOT_SLASH_RUN
        elif char == "?":
            yield NOT_SLASH
        elif char == "[":
            token, index = _character_class(pattern, index)
            yield token
        elif char == "\\" and index < len(pattern):
            yield literal(pattern[index])
            index += 1
        else:
            yield literal(char)


def _character_class(pattern: str, index: int) -> tuple[Token, int]:
    negated = pattern.startswith("^", index)
    index += negated
    ranges: list[tuple[str, str]] = []
    while index < len(pattern) and (pattern[index] != "]" or not ranges):
        low, index = _class_character(pattern, index)
        high = low
        if pattern.startswith("-", index):
            high, index = _class_character(pattern, index + 1)
        ranges.append((low, high))
    if index >= len(pattern):
        raise ValueError("a character class is not closed")
    return Token(tuple(ranges), negated=negated), index + 1


def _class_character(pattern: str, index: int) -> tuple[str, int]:
    index += pattern.startswith("\\", index)
    if index >= len(pattern) or pattern[index] in "-]":
        raise ValueError("a character class is not closed, or a range in it is not complete")
    return pattern[index], index + 1
