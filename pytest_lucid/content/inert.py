"""Text that does nothing: control characters from containers, files and hosts are shown, and no terminal obeys them."""

from __future__ import annotations

import unicodedata

# Control characters, those of format (direction, width zero), halves of pairs, private ones, separators of lines.
_ACTIVE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_KEPT = frozenset({"\n", "\t"})
_LAST_OF_TWO_DIGITS, _LAST_OF_FOUR = 0xFF, 0xFFFF


def is_active(character: str) -> bool:
    """Whether a terminal, a browser or an editor would do something with it instead of showing it."""
    return character not in _KEPT and unicodedata.category(character) in _ACTIVE


def inert(text: str) -> str:
    r"""The same text with every active character written as Python writes it: `\x1b`, `\u202e`.

    Ends of lines and tabs stay, an end of line of Windows is one.
    """
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(_shown(character) if is_active(character) else character for character in text)


def one_line(text: str) -> str:
    """As `inert`, on one line."""
    return " ".join(inert(text).split())


def _shown(character: str) -> str:
    code = ord(character)
    if character == "\r":
        return r"\r"
    if code <= _LAST_OF_TWO_DIGITS:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_OF_FOUR else f"\\U{code:08x}"
