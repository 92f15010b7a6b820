"""The written Dockerfile: instructions, stages and problems, each with its line; nothing is expanded here."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What makes a builder refuse the Dockerfile: a stable code, the 1-based line, and one sentence."""

    code: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Directive:
    """A parser directive such as `# syntax=docker/dockerfile:1`; the name is lower case."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Flag:
    """`--name=value` before an instruction's arguments; a bare `--name` has the value None."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Heredoc:
    """One here-document: its delimiter, its text as written, whether variables in it are expanded, its first line."""

    name: str
    content: str
    expand: bool
    strip_tabs: bool
    line: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continuation lines joined and its comments removed.

    `arguments` excludes the flags. `array` holds the strings when the arguments are a JSON array (exec form), else
    None. `trigger` is the instruction behind ONBUILD. `line` and `end` are 1-based and inclusive; `pieces` maps offsets
    in `arguments` to lines, in ascending order.
    """

    name: str
    line: int
    end: int
    arguments: str
    flags: tuple[Flag, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    array: tuple[str, ...] | None = None
    trigger: Instruction | None = None
    pieces: tuple[tuple[int, int], ...] = ()

    def line_at(self, offset: int) -> int:
        """Return the line on which the character at `offset` of the arguments was written."""
        index = bisect_right(self.pieces, offset, key=lambda piece: piece[0]) - 1
        return self.pieces[index][1] if index >= 0 else self.line

    def flag(self, name: str) -> str | None:
        """Return the last value of a flag; "true" for a bare one, None for an absent one."""
        for flag in reversed(self.flags):
            if flag.name == name:
                return "true" if flag.value is None else flag.value
        return None

    def flag_values(self, name: str) -> tuple[str, ...]:
        """Return every value of a flag that may be repeated, such as RUN's `--mount`."""
        return tuple(flag.value or "" for flag in self.flags if flag.name == name)


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it; `base` and `platform` are as written, `name` is None without AS."""

    index: int
    name: str | None
    base: str
    platform: str | None
    line: int
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A whole Dockerfile as written; `global_args` are the ARG instructions before the first FROM."""

    directives: tuple[Directive, ...]
    escape: str
    global_args: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    instructions: tuple[Instruction, ...]
    problems: tuple[Problem, ...]

    def directive(self, name: str) -> Directive | None:
        """Return a parser directive by its lower-case name."""
        return next((directive for directive in self.directives if directive.name == name), None)
