"""Whether the kernel can execute a file that comes from the build context: mode, first line, interpreter."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from pytest_lucid.audit.argv import find_program

if TYPE_CHECKING:
    from pytest_lucid.audit.rootfs.rootfs import BuildEntry, Program
    from pytest_lucid.audit.subject import Subject
    from pytest_lucid.dockerfile.syntax import Heredoc

# Linux reads this much of a first line.
_LONGEST_SHEBANG = 255


def entry_problem(subject: Subject, program: Program) -> str:
    """Why a file that was copied from the context cannot be executed; "" when it can, or when that is not known."""
    top = next(subject.files.at(program.path), None)
    if top is not None and (heredoc := _heredoc_at(subject, top)):
        return _written_problem(subject, program.path, top, heredoc)
    # After a command that may do anything, the file may have another mode and another content.
    certain = program.answer == "yes" and top is not None and top.kind == "context"
    source = subject.files.source(program.path) if certain else None
    if top is None or source is None or subject.context.is_folder(source):
        return ""
    executable = subject.context.is_executable(source) if top.executable is None else top.executable
    if executable is False:
        return f"{program.path} is copied from {source}, which is not executable: COPY it with --chmod=0755."
    return _first_line_problem(subject, source, subject.context.head(source))


def _heredoc_at(subject: Subject, entry: BuildEntry) -> Heredoc | None:
    """The here-document of a COPY that a file was written from; None for any other file."""
    copies = subject.final.copies if subject.final and entry.kind == "file" else ()
    written = [copy for copy in copies if copy.line == entry.line and len(copy.heredocs) == 1 and not copy.sources]
    return written[0].heredocs[0] if written else None


def _written_problem(subject: Subject, path: str, entry: BuildEntry, heredoc: Heredoc) -> str:
    if not entry.executable:
        return f"{path} is written by a here-document, which makes no executable file: COPY it with --chmod=0755."
    text = heredoc.content.replace("\t", "") if heredoc.strip_tabs else heredoc.content
    return _first_line_problem(subject, path, text.encode())


def _first_line_problem(subject: Subject, source: str, head: bytes | None) -> str:
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
