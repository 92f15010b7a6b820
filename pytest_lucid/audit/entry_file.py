"""Whether the kernel can execute a file that comes from the build context: mode, first line, interpreter."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from pytest_lucid.audit.argv import find_program

if TYPE_CHECKING:
    from pytest_lucid.audit.rootfs.rootfs import Program
    from pytest_lucid.audit.subject import Subject

# Linux reads this much of a first line.
_LONGEST_SHEBANG = 255


def entry_problem(subject: Subject, program: Program) -> str:
    """Why a file that was copied from the context cannot be executed; "" when it can, or when that is not known."""
    top = next(subject.files.at(program.path), None)
    # After a command that may do anything, the file may have another mode and another content.
    certain = program.answer == "yes" and top is not None and top.kind == "context"
    source = subject.files.source(program.path) if certain else None
    if top is None or source is None or subject.context.is_folder(source):
        return ""
    executable = subject.context.is_executable(source) if top.executable is None else top.executable
    if executable is False:
        return f"{program.path} is copied from {source}, which is not executable: COPY it with --chmod=0755."
    return _first_line_problem(subject, source)


def _first_line_problem(subject: Subject, source: str) -> str:
    head = subject.context.head(source)
    if head is None or not head.startswith(b"#!"):
        return ""
    first = head[:_LONGEST_SHEBANG].split(b"\n", 1)[0].decode(errors="replace")
    if first.endswith("\r"):
        return f"The first line of {source} ends in CR LF, so the kernel looks for an interpreter of a wrong name."
    words = first[2:].split()
    return _missing_interpreter(subject, source, words) if words else ""


def _missing_interpreter(subject: Subject, source: str, words: list[str]) -> str:
    wanted = [words[0]]
    if posixpath.basename(words[0]) == "env":
        wanted += [word for word in words[1:] if not word.startswith("-") and "=" not in word][:1]
    for name in wanted:
        if find_program(subject, name).answer == "no":
            return f"{source} starts with #!{' '.join(words)}, and the image has no {name}."
    return ""
