"""Regular expressions as Go reads them (RE2's syntax), for Python's `re`. What is searched is not decided here.

Source: the syntax of Go's package regexp/syntax. What RE2 does not have (looking around, references back) is refused,
as Go refuses it; what Python does not have (classes of Unicode by name) is refused with a message that names it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from functools import lru_cache

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_COMPLEMENTS = {
    "D": r"\x00-/:-\U0010ffff",
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    "S": r"\x00-\x08\x0b\x0e-\x1f!-\U0010ffff",
}
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ",
    "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_PLAIN_ESCAPES = {"a": r"\x07", "f": r"\f", "t": r"\t", "n": r"\n", "r": r"\r", "v": r"\v"}
_HEX = re.compile(r"x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_REPEAT = re.compile(r"\{\d+(?:,\d*)?\}")
_GROUP = re.compile(r"\(\?(?:P?<(?P<name>[A-Za-z0-9_]+)>|(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)]))")
_POSIX_CLASS = re.compile(r"\[:(\^?)(\w+):\]")


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of Go. Raises ValueError, which says what Go, or this translation, does not take."""
    try:
        return re.compile(_Translation(pattern).whole())
    except re.error as error:
        raise ValueError(f"{error.msg} at {error.pos}") from error


@dataclass
class _Level:
    """An open group: the flags that hold in it from here on, and how many groups were opened to give them."""

    multiline: bool
    opened: list[str] = field(default_factory=list)


class _Translation:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._out: list[str] = []
        self._levels = [_Level(multiline=False)]

    def whole(self) -> str:
        steps = {
            "\\": self._escape, "[": self._class, "(": self._open, ")": self._close, "|": self._or, "$": self._end,
            "^": self._begin, "{": self._brace, "*": self._repeat, "+": self._repeat, "?": self._repeat,
        }  # fmt: skip
        while self._at < len(self._text):
            here = self._text[self._at]
            steps.get(here, self._copy)()
        if len(self._levels) > 1:
            raise ValueError("a group is not closed")
        self._leave()
        return "".join(self._out)

    def _copy(self) -> None:
        self._put(self._text[self._at], 1)

    def _put(self, translated: str, taken: int) -> None:
        self._out.append(translated)
        self._at += taken

    def _escape(self) -> None:
        rest = self._text[self._at + 1 :]
        if not rest:
            raise ValueError("a backslash ends the pattern")
        if rest[0] == "Q":
            literal, _, _ = rest[1:].partition("\\E")
            self._put(re.escape(literal), len(literal) + 2 + (2 if "\\E" in rest else 0))
        elif rest[0] in _CLASSES:
            self._put(f"[{_CLASSES[rest[0]]}]", 2)
        elif rest[0] in _COMPLEMENTS:
            self._put(f"[{_COMPLEMENTS[rest[0]]}]", 2)
        elif rest[0] in "bB":
            self._put(rf"(?a:\{rest[0]})", 2)
        elif rest[0] == "A":
            self._put(r"\A", 2)
        elif rest[0] == "z":
            self._put(r"\Z", 2)
        else:
            self._literal_escape()

    def _literal_escape(self) -> None:
        rest = self._text[self._at + 1 :]
        if match := _HEX.match(rest):
            self._put(re.escape(_character(match[1] or match[2], 16)), 1 + len(match[0]))
        elif match := _OCTAL.match(rest):
            self._put(re.escape(_character(match[0], 8)), 1 + len(match[0]))
        elif rest[0] in _PLAIN_ESCAPES:
            self._put(_PLAIN_ESCAPES[rest[0]], 2)
        elif rest[0] in "pP":
            raise ValueError(f"classes of Unicode (\\{rest[0]}…) are not supported here")
        elif rest[0].isalnum():
            raise ValueError(f"invalid escape sequence: \\{rest[0]}")
        else:
            self._put(re.escape(rest[0]), 2)

    def _class(self) -> None:
        self._put("[", 1)
        if self._text[self._at :].startswith("^"):
            self._put("^", 1)
        if self._text[self._at :].startswith("]"):
            self._put(r"\]", 1)
        while self._at < len(self._text):
            if self._text[self._at] == "]":
                self._put("]", 1)
                return
            self._member()
        raise ValueError("a class is not closed: missing ]")

    def _member(self) -> None:
        here = self._text[self._at]
        following = self._text[self._at + 1 : self._at + 2]
        if match := _POSIX_CLASS.match(self._text, self._at):
            if match[2] not in _POSIX or match[1]:
                raise ValueError(f"the class {match[0]} is not supported here")
            self._put(_POSIX[match[2]], len(match[0]))
        elif here == "\\" and following and following in _CLASSES:
            self._put(_CLASSES[following], 2)
        elif here == "\\" and following and following in _COMPLEMENTS:
            self._put(_COMPLEMENTS[following], 2)
        elif here == "\\" and following:
            self._literal_escape()
        elif here == following == "-":
            # A range up to the hyphen, which Python reserves, too.
            self._put(r"-\-", 2)
        else:
            # Python reserves these for operations on sets.
            self._put(f"\\{here}" if here in "[&~|\\" else here, 1)

    def _open(self) -> None:
        inherited = self._levels[-1].multiline
        if not self._text.startswith("(?", self._at):
            self._levels.append(_Level(inherited))
            self._put("(", 1)
            return
        match = _GROUP.match(self._text, self._at)
        if not match or (match["flags"] == "" and match["end"] == ")"):
            raise ValueError(f"invalid or unsupported Perl syntax: {self._text[self._at : self._at + 4]}")
        if match["name"]:
            self._levels.append(_Level(inherited))
            self._put(f"(?P<{match['name']}>", len(match[0]))
            return
        on, _, off = match["flags"].partition("-")
        if "U" in on + off:
            raise ValueError("the flag U is not supported here")
        multiline = ("m" in on or inherited) and "m" not in off
        # `m` is followed here, and Python takes each letter once.
        kept = "".join(sorted(set(on) - {"m"})) + ("-" + "".join(sorted(set(off) - {"m"})) if set(off) - {"m"} else "")
        if match["end"] == ":":
            self._levels.append(_Level(multiline))
        else:
            # Python knows such flags for groups only: one that lasts as long as the group around it.
            self._levels[-1].multiline = multiline
            self._levels[-1].opened.append(f"(?{kept}:")
        self._put(f"(?{kept}:", len(match[0]))

    def _leave(self) -> None:
        self._out.append(")" * len(self._levels[-1].opened))

    def _close(self) -> None:
        if len(self._levels) == 1:
            raise ValueError("unexpected )")
        self._leave()
        self._levels.pop()
        self._put(")", 1)

    def _or(self) -> None:
        opened = self._levels[-1].opened
        self._put(f"{')' * len(opened)}|{''.join(opened)}", 1)

    def _begin(self) -> None:
        self._put("(?m:^)" if self._levels[-1].multiline else r"\A", 1)

    def _end(self) -> None:
        self._put("(?m:$)" if self._levels[-1].multiline else r"\Z", 1)

    def _brace(self) -> None:
        if _REPEAT.match(self._text, self._at):
            self._repeat()
        else:
            self._put(r"\{", 1)

    def _repeat(self) -> None:
        match = _REPEAT.match(self._text, self._at)
        operator = match[0] if match else self._text[self._at]
        self._put(operator, len(operator))
        if self._text.startswith("?", self._at):
            self._put("?", 1)
        rest = self._text[self._at : self._at + 1]
        # Python takes a + here for something of its own.
        if (rest and rest in "*+?") or _REPEAT.match(self._text, self._at):
            raise ValueError(f"invalid nested repetition operator: {operator}{rest}")


def _character(digits: str, base: int) -> str:
    number = int(digits, base)
    if number > sys.maxunicode:
        raise ValueError(f"no character has the number {digits}")
    return chr(number)
