"""Writes a valid Dockerfile so that hadolint can read it: the same instructions in the same order, with a map of lines.

hadolint 2.15 loses the whole file at anything but a blank line behind a here-document, at tabs in one, and at a quoted
EXPOSE; it crashes at a WORKDIR of one letter, forgets SHELL at the next ARG or ENV, and takes sh for dash everywhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pytest_lucid.dockerfile.syntax import Dockerfile, Instruction

_LETTER = re.compile(r"(?i)^(\s*workdir\s+)(\w)\s*$")
_FLAG = re.compile(r"--(?:mount|network|security|device)=(?:\"[^\"]*\"|'[^']*'|\S+)")
_BASH = ("/bin/bash", "-c")
LEFT_OUT = "# (left out)"


@dataclass(frozen=True, slots=True)
class ReadableCopy:
    """The text, and for each of its lines the line of the original."""

    text: str
    lines: tuple[int, ...]


def readable_copy(
    source: Dockerfile,
    text: str,
    *,
    bash: Collection[int] = (),
    without: Collection[int] = (),
    bare: Collection[int] = (),
) -> ReadableCopy:
    """Write the copy: `bash` are the stages, by index, whose sh is bash.

    `without` are the lines of instructions to leave out, `bare` of those to write without their flags.
    """
    raw = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    written: list[tuple[str, int]] = []
    position = 0
    for instruction, shell in _with_shells(source, bash):
        written += ((raw[index], index + 1) for index in range(position, instruction.line - 1))
        position = instruction.end
        lines = range(instruction.line, instruction.end + 1)
        if instruction.line in without:
            written += ((LEFT_OUT, number) for number in lines)
            continue
        for number in lines:
            line = _rewritten(instruction, raw[number - 1], number)
            written.append((_FLAG.sub("", line) if instruction.line in bare else line, number))
        if instruction.heredocs:
            written.append(("", instruction.end))
        if shell and instruction.name in {"FROM", "ARG", "ENV"}:
            written.append((f"SHELL {json.dumps(list(shell))}", instruction.end))
    written += ((raw[index], index + 1) for index in range(position, len(raw)))
    return ReadableCopy("\n".join(line for line, _ in written), tuple(number for _, number in written))


def _with_shells(source: Dockerfile, bash: Collection[int]) -> Iterator[tuple[Instruction, tuple[str, ...]]]:
    """Each instruction with the SHELL that is in force behind it; () for the default one."""
    for argument in source.global_args:
        yield argument, ()
    shells: dict[str, tuple[str, ...]] = {}
    starts = {instruction.line: instruction for instruction in source.instructions if instruction.name == "FROM"}
    for stage in source.stages:
        shell = shells.get(stage.base.lower(), _BASH if stage.index in bash else ())
        yield starts[stage.line], shell
        for instruction in stage.instructions:
            if instruction.name == "SHELL" and instruction.array:
                shell = instruction.array
            yield instruction, shell
        if stage.name:
            shells[stage.name.lower()] = shell


def _rewritten(instruction: Instruction, line: str, number: int) -> str:
    if instruction.name == "EXPOSE":
        return line.replace('"', "").replace("'", "")
    if instruction.name == "WORKDIR":
        return _LETTER.sub(r"\1./\2", line)
    stripped = [heredoc for heredoc in instruction.heredocs if heredoc.strip_tabs]
    if not stripped:
        return line
    if number < instruction.heredocs[0].line:
        return line.replace("<<-", "<<")
    return line.lstrip("\t")
