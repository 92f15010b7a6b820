"""What a builder refuses in one instruction by itself: unknown name, wrong flag, wrong number or shape of arguments.

Needs no other instruction and expands nothing; whether a valid instruction is wise is a check's business.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile import words
from pytest_lucid.dockerfile.syntax import Instruction, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS: dict[str, frozenset[str]] = {
    "FROM": frozenset({"platform"}),
    "COPY": frozenset({"from", "chown", "chmod", "link", "parents", "exclude"}),
    "ADD": frozenset({"chown", "chmod", "link", "checksum", "keep-git-dir", "unpack", "exclude"}),
    "RUN": frozenset({"mount", "network", "security", "device"}),
    "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "start-interval", "retries"}),
}
_KNOWN = _FLAGS.keys() | {
    *("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "LABEL", "MAINTAINER"),
    *("ONBUILD", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}
_MAY_BE_EMPTY = frozenset({"RUN", "CMD", "ENTRYPOINT"})
_STAGE_NAME = re.compile(r"[a-z][a-z0-9_.-]*")
_SHOWN = 40


def validate(instruction: Instruction, escape: str) -> Iterator[Problem]:
    """Yield what is wrong with one instruction; an ONBUILD's trigger is validated by itself."""
    name, line = instruction.name, instruction.line
    if name not in _KNOWN:
        yield Problem("unknown-instruction", line, f"{name[:_SHOWN]!r} is no Dockerfile instruction.")
        return
    for flag in instruction.flags:
        if flag.name not in _FLAGS.get(name, ()):
            yield Problem("flag", line, f"{name} has no flag --{flag.name[:_SHOWN]}.")
    if instruction.arguments:
        message = _complaint(instruction, escape)
    else:
        message = "" if name in _MAY_BE_EMPTY else "expected arguments, found none"
    if message:
        yield Problem("arguments", line, f"{name}: {message}.")


def _complaint(instruction: Instruction, escape: str) -> str:
    match instruction.name:
        case "ENV" | "LABEL":
            return _pairs_complaint(instruction, escape)
        case "FROM":
            return _from_complaint(instruction.arguments.split())
        case "COPY" | "ADD":
            found = instruction.array or words.blank_separated(instruction.arguments)
            return "" if len(found) > 1 else "expected at least one source and a destination"
        case "SHELL" if not instruction.array:
            return "expected a JSON array of strings"
        case "HEALTHCHECK":
            kind, *rest = instruction.arguments.split(maxsplit=1)
            return _healthcheck_complaint(kind.upper(), has_command=bool(rest))
    return ""


def _pairs_complaint(instruction: Instruction, escape: str) -> str:
    try:
        words.pairs(instruction.arguments, escape)
    except ValueError as error:
        return str(error)
    return ""


def _from_complaint(written: list[str]) -> str:
    if len(written) == 1:
        return ""
    match written:
        case [_, keyword, name] if keyword.upper() == "AS":
            if _STAGE_NAME.fullmatch(name.lower()):
                return ""
            return f"{name[:_SHOWN]!r} cannot name a stage"
        case _:
            return "expected an image, or an image AS a name"


def _healthcheck_complaint(kind: str, *, has_command: bool) -> str:
    if kind == "NONE":
        return "NONE takes no arguments" if has_command else ""
    if kind == "CMD":
        return "" if has_command else "CMD needs a command"
    return f"expected CMD or NONE, found {kind[:_SHOWN]!r}"
