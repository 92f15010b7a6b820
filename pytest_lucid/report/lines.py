"""Lines for a terminal: their style as a word, and what to write where the encoding lacks a sign."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Our own signs, and what says the same in ASCII.
ASCII = {
    "✓": "ok", "✗": "F", "▸": ">", "─": "-", "│": "|", "┌": "+", "·": "-", "…": "...", "–": "-", "—": "-", "→": "->",
    "×": "x", "⋮": ":", "≤": "<=", "≥": ">=",
}  # fmt: skip
GOOD, BAD, WARNING, TITLE, QUIET, PLAIN = "good", "bad", "warning", "title", "quiet", ""


@dataclass(frozen=True)
class Line:
    """One line, and how it looks: good, bad, warning, title, quiet, or plain."""

    text: str
    style: str = PLAIN


def encodable(text: str, encoding: str) -> str:
    """The text in signs that the encoding has: ASCII for ours, an escape for those of others."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return (
            "".join(each if _has(encoding, each) else ASCII.get(each, each) for each in text)
            .encode(encoding, "backslashreplace")
            .decode(encoding)
        )
    except LookupError:
        return encodable(text, "ascii")
    return text


def wrapped(text: str, width: int, indent: str, style: str = PLAIN, first: str | None = None) -> Iterator[Line]:
    """The text in lines of at most `width` characters, if its words allow that; ends of lines stay."""
    start = indent if first is None else first
    for line in text.splitlines() or [""]:
        made = textwrap.wrap(
            line, max(width, len(indent) + 20), initial_indent=start, subsequent_indent=indent, break_on_hyphens=False,
            break_long_words=False,
        )  # fmt: skip
        yield from (Line(each, style) for each in made or [start.rstrip()])
        start = indent


def cut(text: str, width: int) -> str:
    """The text, or its beginning, in `width` characters."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"


def cut_amid(text: str, width: int) -> str:
    """The text, or its beginning and end, in `width` characters: names differ most often there."""
    kept = max(0, width - 1)
    return text if len(text) <= width else f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"


def rule(title: str, width: int) -> str:
    """A title in a line of its own."""
    return f"── {title} ".ljust(width, "─")


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
