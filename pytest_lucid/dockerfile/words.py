"""Words, flags, pairs and JSON arrays in an instruction's arguments; lines and stages belong to `parse`.

The rules are BuildKit's: quotes and escapes stay in a word, because expansion needs to see them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from pytest_lucid.dockerfile.syntax import Flag

_BLANK = re.compile(r"[\t\v\f\r ]+")
# BuildKit's reader gives the whole line up at a substitution that it cannot read.
_OPEN_SUBSTITUTION = re.compile(r"(?<![\\$])\$\{(?!\w+[}:#%/?+-])")
_HEREDOC = re.compile(r"(\d*)<<(-?)([^<]*)")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written, quotes included, and its offset in the arguments."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Pair:
    """`key=value` as written; `value` is None for an ARG without a default."""

    key: str
    value: str | None
    offset: int


@dataclass(frozen=True, slots=True)
class HeredocStart:
    """The `<<EOF` of a here-document: its delimiter without quotes."""

    name: str
    expand: bool
    strip_tabs: bool


def split(text: str, escape: str) -> list[Word]:
    """Split into words on blanks outside quotes; quotes and escapes are kept."""
    words: list[Word] = []
    word: list[str] = []
    start, quote, index, end = 0, "", 0, len(text)
    while index < end:
        char = text[index]
        if not quote and char.isspace():
            if word:
                words.append(Word("".join(word), start))
                word = []
            index += 1
            continue
        if not word:
            start = index
        if char == escape and quote != "'":
            # An escape at the very end escapes nothing and is dropped.
            word.append(text[index : index + 2] if index + 1 < end else "")
            index += 2
            continue
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        word.append(char)
        index += 1
    if any(word):
        words.append(Word("".join(word), start))
    return words


def blank_separated(text: str) -> list[Word]:
    """Split on blanks alone: the rule for FROM, EXPOSE, VOLUME, and for COPY and ADD in their plain form."""
    return [Word(match.group(), match.start()) for match in re.finditer(r"[^\t\v\f\r ]+", text)]


def pairs(text: str, escape: str) -> list[Pair]:
    """Read ENV's and LABEL's `key=value …`, or the old `key value` form.

    Raises ValueError, with a sentence for the user, on a word that is no pair.
    """
    words = split(text, escape)
    if not words:
        raise ValueError("expected key=value, found nothing")
    if "=" not in words[0].text:
        parts = _BLANK.split(text, maxsplit=1)
        if len(parts) == 1:
            raise ValueError(f"expected key=value, found {parts[0][:80]!r}")
        return [Pair(parts[0], parts[1], 0)]
    found: list[Pair] = []
    for word in words:
        key, equals, value = word.text.partition("=")
        if not equals or not key:
            raise ValueError(f"expected key=value, found {word.text[:80]!r}")
        found.append(Pair(key, value, word.offset))
    return found


def arg_pairs(text: str, escape: str) -> list[Pair]:
    """Read ARG's `name` and `name=default` words."""
    found: list[Pair] = []
    for word in split(text, escape):
        key, equals, value = word.text.partition("=")
        found.append(Pair(key, value if equals else None, word.offset))
    return found


def json_strings(text: str) -> tuple[str, ...] | None:
    """Return the strings of a JSON array, None when the text is no JSON array and so is taken as plain text.

    Raises ValueError on an array that holds anything but strings: builders refuse it.
    """
    stripped = text.strip()
    if not stripped.startswith("["):
        return None
    try:
        value = json.loads(stripped)
    except (json.JSONDecodeError, RecursionError):
        return None
    if not isinstance(value, list):
        return None
    if not all(isinstance(item, str) for item in value):
        raise ValueError("a JSON array here must hold strings only")
    return tuple(value)


def take_flags(text: str) -> tuple[tuple[Flag, ...], int]:
    """Read the `--name=value` words at the start; return them and the offset where the arguments begin."""
    flags: list[Flag] = []
    index, end = 0, len(text)
    while True:
        while index < end and text[index].isspace():
            index += 1
        if not text.startswith("--", index):
            return tuple(flags), index
        word, index = _flag_word(text, index)
        if word == "--":
            return tuple(flags), index
        name, equals, value = word[2:].partition("=")
        flags.append(Flag(name.lower(), value if equals else None))


def _flag_word(text: str, index: int) -> tuple[str, int]:
    word: list[str] = []
    quote, end = "", len(text)
    while index < end and (quote or not text[index].isspace()):
        char = text[index]
        if char == "\\":
            index += 1
            word.append(text[index : index + 1])
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        else:
            word.append(char)
        index += 1
    return "".join(word), index


def heredoc_starts(text: str) -> list[HeredocStart]:
    """Find the here-documents that a line opens; an open quote or substitution means that there are none."""
    if "<<" not in text or _unbalanced(text) or _OPEN_SUBSTITUTION.search(text):
        return []
    starts: list[HeredocStart] = []
    for word in split(text, "\\"):
        match = _HEREDOC.fullmatch(word.text)
        if match is None or not match[3]:
            continue
        name = unquote(match[3])
        starts.append(HeredocStart(name, expand=name == match[3], strip_tabs=match[2] == "-"))
    return starts


def unquote(text: str) -> str:
    """Remove one level of quotes and backslashes, as a shell does."""
    out: list[str] = []
    quote, index = "", 0
    while index < len(text):
        char = text[index]
        following = text[index + 1 : index + 2]
        # Between double quotes a backslash stays, unless what follows means something there.
        if char == "\\" and quote != "'" and following and (not quote or following in '"$\\`'):
            index += 1
            out.append(text[index])
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        else:
            out.append(char)
        index += 1
    return "".join(out)


def _unbalanced(text: str) -> bool:
    quote, index = "", 0
    while index < len(text):
        char = text[index]
        if char == "\\" and quote != "'":
            index += 1
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        index += 1
    return bool(quote)
