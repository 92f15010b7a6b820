"""What is remembered of a file's content while it streams by: everything that a check asks, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass

# The cache of layers asks for the types at run time.
from pytest_lucid.content.archives import Packed  # noqa: TC001
from pytest_lucid.content.bytecode import Bytecode  # noqa: TC001
from pytest_lucid.content.elf import Elf  # noqa: TC001
from pytest_lucid.content.python_source import NO_MENTIONS, PythonMentions


@dataclass(frozen=True, slots=True)
class Content:
    """Facts about the bytes of one file.

    `md5` is there for files in the folders of packages, `text` (the whole file) for the few that other facts are read
    from, `source_hashes` for Python sources (by the magic number of each known interpreter). `tools` are kinds of
    programs, `secrets` are shown by their first characters. `words` are the
    forbidden words that the file itself has, in bytecode too. `problem` says why a file could not be judged.
    """

    md5: str = ""
    text: bytes | None = None
    is_text: bool = False
    shebang: str = ""
    elf: Elf | None = None
    tools: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    mentions: PythonMentions = NO_MENTIONS
    words: tuple[str, ...] = ()
    packed: Packed | None = None
    bytecode: Bytecode | None = None
    source_hashes: tuple[tuple[int, bytes], ...] = ()
    problem: str = ""


UNREAD = Content()
