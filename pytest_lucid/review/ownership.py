"""Judges who can write what in the image: a service writes its storage, and nothing of its own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.review.pieces import is_within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.review.finding import Finding
    from pytest_lucid.review.pieces import Piece
    from pytest_lucid.review.subject import Subject

_NAMES = {"root": "0", "nonroot": "65532", "nobody": "65534"}
_CODE = (".py", ".so", ".pyc", ".sh")


def writable_code(subject: Subject) -> Iterator[Finding]:
    """Code that belongs to the user that runs it, or that anybody can write."""
    user = _user(subject)
    if user in {None, "0"}:
        return
    seen = set()
    for piece in subject.files.pieces:
        if piece.line in seen or not _is_code(subject, piece):
            continue
        if piece.open:
            seen.add(piece.line)
            yield subject.at(piece.line, f"Anybody can write the code in {piece.path}.")
        elif _number(piece.owner) == user:
            seen.add(piece.line)
            yield subject.at(piece.line, f"The code in {piece.path} belongs to {piece.owner}, the user that runs it.")


def unwritable_storage(subject: Subject) -> Iterator[Finding]:
    """A storage path of the matrix that the user cannot write, or that the image does not have."""
    user, final = _user(subject), subject.final
    if user in {None, "0"} or final is None:
        return
    for path in subject.row.storage:
        holding = [piece for piece in reversed(subject.files.pieces) if is_within(path, piece.path)]
        own = next((piece for piece in holding if piece.kind in {"folder", "context"}), None)
        if own is not None and (own.path == path or own.kind == "context"):
            if own.owner is not None and _number(own.owner) != user and not own.open:
                yield subject.at(
                    own.line, f"The storage path {path} belongs to {own.owner}, and the service is {user}."
                )
        elif not any(piece.kind == "unknown" for piece in holding) and not any(subject.files.below(path)):
            yield subject.at(final.line, f"Nothing makes the storage path {path}, so it will belong to root.")


def _is_code(subject: Subject, piece: Piece) -> bool:
    if piece.install is not None:
        return piece.part == "modules"
    if piece.kind == "context":
        return any(path.endswith(_CODE) for path in subject.context.files(piece.source))
    return False


def _user(subject: Subject) -> str | None:
    final, base = subject.final, subject.base
    if final is None:
        return None
    if final.user is None:
        return base.user if base else None
    return _number(final.user.value.partition(":")[0])


def _number(name: str | None) -> str | None:
    return _NAMES.get(name, name) if name is not None else None
