"""What a stage's root filesystem is made of, as far as a Dockerfile tells: pieces with a place and an owner.

Existence has three answers, since what a RUN makes is often unknown: nothing is concluded from "maybe".
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.dockerfile.context import Context
    from pytest_lucid.review.installs import Install, Venv

# Stages that copy each other twice double their pieces.
_MOST_PIECES = 1_000
Answer = Literal["yes", "maybe", "no"]


@dataclass(frozen=True, slots=True)
class Piece:
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

    def moved(self, start: str, target: str) -> Piece | None:
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
    """A program that was looked up: its path ("" when it is nowhere), whether it is there, and the piece it is from."""

    path: str
    answer: Answer
    piece: Piece | None


@dataclass(slots=True)
class Files:
    """The pieces of one stage, later ones on top of earlier ones."""

    context: Context
    pieces: list[Piece] = field(default_factory=list)

    def add(self, *pieces: Piece) -> None:
        """Put pieces on top; of more than anybody writes, nothing is known."""
        self.pieces.extend(pieces)
        if len(self.pieces) > _MOST_PIECES:
            self.pieces = [Piece("/", "unknown", self.pieces[-1].line, owner=None)]

    def at(self, path: str) -> Iterator[Piece]:
        """Yield the pieces that hold a path or lie above it, the topmost first."""
        yield from (piece for piece in reversed(self.pieces) if is_within(path, piece.path))

    def below(self, path: str) -> Iterator[Piece]:
        """Yield the pieces at or below a path."""
        yield from (piece for piece in self.pieces if is_within(piece.path, path))

    def exists(self, path: str, *, in_base: bool = True) -> Answer:
        """Whether there is a file or folder; without `in_base`, one that is not of the base image."""
        answer: Answer = "no"
        for piece in self.pieces:
            kind = piece.kind
            if kind == "base" and not in_base:
                continue
            if is_within(piece.path, path):
                if kind not in {"unknown", "base"}:
                    return "yes"
                answer = "maybe"
            elif kind not in {"file", "folder"} and is_within(path, piece.path):
                if kind != "context":
                    answer = "maybe"
                elif self._in_context(piece, path):
                    return "yes"
        return answer

    def source(self, path: str) -> str | None:
        """The path in the build context of what lies at a path; None when it is not from there, or not certainly."""
        for piece in self.at(path):
            if piece.kind == "context" and self._in_context(piece, path):
                return posixpath.normpath(posixpath.join(piece.source, _relative(path, piece.path)))
            if piece.kind == "file" and piece.path == path:
                return None
        return None

    def copy(
        self, start: str, target: str, *, line: int, owner: str | None = None, others: bool = False
    ) -> list[Piece]:
        """Return the pieces of `start` as they are at `target`; with `owner`, all of them belong to it there."""
        moved = [piece.moved(start, target) for piece in self.pieces]
        return [
            replace(
                piece,
                kind="unknown" if piece.kind == "base" else piece.kind,
                line=line,
                owner=owner if owner is not None else piece.owner,
                open=others or piece.open,
            )
            for piece in moved
            if piece is not None
        ]

    def remove(self, path: str) -> None:
        """Take away what lies at and below a path; what is only a part of a piece stays."""
        self.pieces = [piece for piece in self.pieces if not is_within(piece.path, path)]

    def change(self, path: str, *, owner: str | None = None, others: bool | None = None, deep: bool) -> None:
        """Change owner or mode at a path and, when `deep`, below it."""
        for index, piece in enumerate(self.pieces):
            if (is_within(piece.path, path) if deep else piece.path == path) or (deep and is_within(path, piece.path)):
                # A part of a piece has another owner than the rest: not known for the whole any more.
                whole = is_within(piece.path, path)
                self.pieces[index] = replace(
                    piece,
                    owner=piece.owner if owner is None else owner if whole else None,
                    open=piece.open if others is None or not whole else others,
                )

    def _in_context(self, piece: Piece, path: str) -> bool:
        inner = _relative(path, piece.path)
        source = posixpath.normpath(posixpath.join(piece.source, inner))
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
