"""Text to `Dockerfile`, in one pass and linear time; never raises on what a file contains.

Joins continuation lines, drops comments, reads here-documents, cuts the file into stages. Variables belong to
`variables`, the meaning of instructions to `resolve`. Where builders differ, BuildKit's rule is followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile import words
from pytest_lucid.dockerfile.syntax import Directive, Dockerfile, Heredoc, Instruction, Problem, Stage
from pytest_lucid.dockerfile.validate import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

# BuildKit reads lines through a scanner with a buffer of 64 KiB and refuses longer ones.
LONGEST_LINE = 65_535

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(\S(?:.*\S)?)\s*")
_DIRECTIVES = ("syntax", "escape", "check")
_HEREDOC_INSTRUCTIONS = frozenset({"RUN", "COPY", "ADD"})
_ARRAY_INSTRUCTIONS = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL", "COPY", "ADD", "VOLUME"})
_NO_TRIGGERS = frozenset({"ONBUILD", "FROM", "MAINTAINER"})
_NAME = re.compile(r"\s*([^\t\v\f\r ]+)[\t\v\f\r ]*")
_FROM_AS_WORDS = 3


def parse(source: bytes | str) -> Dockerfile:
    """Parse a Dockerfile; whatever a builder would refuse is in `problems`, in the order of lines."""
    return _Parser(source).parse()


@dataclass(slots=True)
class _Joined:
    """One logical line: its text, and which line each offset came from."""

    line: int
    text: str
    pieces: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Parser:
    source: bytes | str
    escape: str = "\\"
    problems: list[Problem] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    position: int = 0

    def parse(self) -> Dockerfile:
        self.lines = self._text().split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self._report_lines()
        self._read_directives()
        instructions = tuple(self._instructions())
        if not instructions:
            self._problem("empty", max(len(self.lines), 1), "The file holds no instruction.")
        global_args, stages = self._stages(instructions)
        self.problems.sort(key=lambda problem: problem.line)
        return Dockerfile(tuple(self.directives), self.escape, global_args, stages, instructions, tuple(self.problems))

    def _problem(self, code: str, line: int, message: str) -> None:
        self.problems.append(Problem(code, line, message))

    def _text(self) -> str:
        if isinstance(self.source, str):
            return self.source.removeprefix("\ufeff")
        data = self.source.removeprefix(b"\xef\xbb\xbf")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            self._problem("encoding", line, f"The file is not UTF-8: byte 0x{data[error.start]:02x}.")
            return data.decode(errors="replace")

    def _report_lines(self) -> None:
        for number, line in enumerate(self.lines, 1):
            if len(line) > LONGEST_LINE:
                self._problem("line-length", number, f"The line is longer than {LONGEST_LINE} characters.")
            if "\0" in line:
                self._problem("nul", number, "The line holds a NUL character.")

    def _read_directives(self) -> None:
        for number, line in enumerate(self.lines, 1):
            match = _DIRECTIVE.fullmatch(line.lstrip())
            name = match[1].lower() if match else ""
            if match is None or name not in _DIRECTIVES:
                return
            if any(directive.name == name for directive in self.directives):
                self._problem("directive", number, f"The directive {name} is given twice.")
                continue
            self.directives.append(Directive(name, match[2], number))
            if name == "escape" and match[2] in ("\\", "`"):
                self.escape = match[2]
            elif name == "escape":
                self._problem("directive", number, f"escape must be \\ or `, not {match[2][:20]!r}.")

    def _instructions(self) -> Iterator[Instruction]:
        while (joined := self._next_joined()) is not None:
            if not joined.text.strip():
                self._problem("arguments", joined.line, "A continuation character stands here without an instruction.")
                continue
            instruction = self._instruction(joined)
            heredocs: tuple[Heredoc, ...] = ()
            inner = instruction.trigger or instruction
            if inner.name in _HEREDOC_INSTRUCTIONS and inner.array is None:
                heredocs = tuple(self._heredocs(joined))
            if heredocs and instruction.trigger:
                trigger = replace(instruction.trigger, heredocs=heredocs, end=self.position)
                yield replace(instruction, trigger=trigger, end=self.position)
            else:
                yield replace(instruction, heredocs=heredocs, end=self.position)

    def _next_joined(self) -> _Joined | None:
        """Join the next instruction's lines; `position` ends behind the last of them."""
        start, offset = 0, 0
        parts: list[str] = []
        pieces: list[tuple[int, int]] = []
        while self.position < len(self.lines):
            line = self.lines[self.position].rstrip("\r")
            self.position += 1
            bare = line.lstrip()
            if not bare or bare.startswith("#"):
                continue
            if not start:
                start, line = self.position, bare
            content, continued = self._continuation(line)
            pieces.append((offset, self.position))
            parts.append(content)
            offset += len(content)
            if not continued:
                break
        return _Joined(start, "".join(parts), tuple(pieces)) if start else None

    def _continuation(self, line: str) -> tuple[str, bool]:
        bare = line.rstrip(" \t")
        # A doubled escape is an escaped escape and continues nothing.
        if bare.endswith(self.escape) and not bare.endswith(self.escape * 2):
            return bare[:-1], True
        return line, False

    def _instruction(self, joined: _Joined, start: int = 0, *, trigger: bool = False) -> Instruction:
        """Read the instruction that begins at `start` of the joined text."""
        match = _NAME.match(joined.text, start)
        name = match[1].upper() if match else ""
        rest = match.end() if match else start
        flags, skipped = words.take_flags(joined.text[rest:].rstrip())
        first = rest + skipped
        arguments = joined.text[first:].strip()
        instruction = Instruction(
            name=name,
            line=joined.line,
            end=self.position,
            arguments=arguments,
            flags=flags,
            array=self._array(name, arguments, joined.line),
            pieces=tuple((offset - first, line) for offset, line in joined.pieces),
        )
        if name == "ONBUILD" and arguments and not trigger:
            instruction = replace(instruction, trigger=self._instruction(joined, first, trigger=True))
        elif trigger and name in _NO_TRIGGERS:
            self._problem("onbuild", joined.line, f"ONBUILD cannot hold {name}.")
        self.problems.extend(validate(instruction, self.escape))
        return instruction

    def _array(self, name: str, arguments: str, line: int) -> tuple[str, ...] | None:
        if name not in _ARRAY_INSTRUCTIONS:
            return None
        try:
            return words.json_strings(arguments)
        except ValueError as error:
            self._problem("json", line, f"{name}: {error}.")
            return None

    def _heredocs(self, joined: _Joined) -> Iterator[Heredoc]:
        for start in words.heredoc_starts(joined.text):
            first = self.position + 1
            content: list[str] = []
            while self.position < len(self.lines):
                line = self.lines[self.position]
                self.position += 1
                plain = line.rstrip("\r")
                if (plain.lstrip("\t") if start.strip_tabs else plain) == start.name:
                    break
                content.append(line + "\n")
            else:
                self._problem("heredoc", joined.line, f"The here-document {start.name[:40]!r} is never closed.")
            yield Heredoc(start.name, "".join(content), start.expand, start.strip_tabs, first)

    def _stages(self, instructions: tuple[Instruction, ...]) -> tuple[tuple[Instruction, ...], tuple[Stage, ...]]:
        starts = [index for index, instruction in enumerate(instructions) if instruction.name == "FROM"]
        head = instructions[: starts[0]] if starts else instructions
        for instruction in head:
            if instruction.name != "ARG":
                self._problem("before-from", instruction.line, f"{instruction.name[:20]} stands before the first FROM.")
        ends = [*starts[1:], len(instructions)]
        stages = tuple(
            _stage(index, instructions[start:end]) for index, (start, end) in enumerate(zip(starts, ends, strict=False))
        )
        return tuple(instruction for instruction in head if instruction.name == "ARG"), stages


def _stage(index: int, instructions: tuple[Instruction, ...]) -> Stage:
    start = instructions[0]
    written = start.arguments.split()
    named = len(written) == _FROM_AS_WORDS and written[1].upper() == "AS"
    return Stage(
        index=index,
        name=written[2] if named else None,
        base=written[0] if written else "",
        platform=start.flag("platform"),
        line=start.line,
        instructions=instructions[1:],
    )
