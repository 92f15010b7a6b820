"""Finds forbidden words in the files that a Dockerfile copies. Whether they may be there is for the rule to say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.content.python_source import scan_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_lucid.content.forbidden import Vocabulary
    from pytest_lucid.dockerfile.context import Context

# Code and configuration; prose may contain any word.
_TEXT = re.compile(
    r"(?:.*/)?(?:requirements[^/]*\.(?:txt|in)|[^/]+\.(?:toml|ya?ml|json|ini|cfg|conf|env|sh|js|ts)|\.env[^/]*)"
)
_LARGEST = 1_000_000
_MOST_FILES = 20_000


@dataclass(frozen=True, slots=True)
class WordMatch:
    """A forbidden word in a file: the path relative to the project, the line, the word with what is around it."""

    file: str
    line: int
    word: str


def find_words(root: Path, context: Context, source: str, vocabulary: Vocabulary) -> Iterator[WordMatch]:
    """Every forbidden word in the programs and settings at or below a source of the context."""
    for index, path in enumerate(context.files(source)):
        if index > _MOST_FILES:
            return
        is_python = path.endswith(".py")
        if not is_python and not _TEXT.fullmatch(path):
            continue
        file = context.root / path
        try:
            if not file.is_file() or file.stat().st_size > _LARGEST:
                continue
            data = file.read_bytes()
        except OSError:
            continue
        if data.isascii() and not vocabulary.may_be_in(data):
            continue
        shown = file.relative_to(root).as_posix()
        text = data.decode("utf-8", "replace")
        yield from (
            WordMatch(shown, _line(text, word), word)
            for word in (_python(data, vocabulary) if is_python else _settings(text, vocabulary))
        )


def _python(data: bytes, vocabulary: Vocabulary) -> tuple[str, ...]:
    mentions = scan_python(data, vocabulary, own=True)
    return tuple(dict.fromkeys((*mentions.modules, *mentions.words)))


def _settings(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    kept = (re.sub(r"(?:^|\s)(?:#|//).*", "", line) for line in text.splitlines())
    return vocabulary.tokens_in("\n".join(kept))


def _line(text: str, word: str) -> int:
    # A name from a syntax tree may be written otherwise, such as `from a import b` for a.b.
    for candidate in (word, word.rpartition(".")[2], word.partition(".")[0]):
        at = text.find(candidate)
        if candidate and at >= 0:
            return text.count("\n", 0, at) + 1
    return 1
