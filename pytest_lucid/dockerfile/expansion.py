"""Variable expansion in Dockerfile arguments, as BuildKit does it; which variables exist is for `resolve` to say.

Knows `$X`, `${X}`, `${X:-d}`, `${X-d}`, `${X:+a}`, `${X+a}`, `${X:?m}`, `${X?m}`, `${X#p}`, `${X##p}`, `${X%p}`,
`${X%%p}`, `${X/p/r}` and `${X//p/r}`, quotes, and the escape character. Never raises: what a builder refuses is the
result's `error`. Results are bounded, because `ENV A=$A$A` doubles on every line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.glob import ANY, ANY_RUN, Glob, Token, literal

if TYPE_CHECKING:
    from collections.abc import Mapping

# Linux hands a program no single variable longer than 128 KiB; far less is enough for a Dockerfile.
LONGEST_VALUE = 32_768
_DEEPEST = 50
_LONGEST_PATTERN_INPUT = 4_096
_SPECIAL = "@*#?-$!0"


@dataclass(frozen=True, slots=True)
class Expansion:
    """The expanded text, its words, the names that were not set, and what a builder would refuse (else "").

    `words` is the text split on blanks outside quotes, after expansion. With an error, `text` is as written. `demanded`
    are the names that `${X:?}` demands and that are not set: a builder refuses them unless a build argument is given.
    """

    text: str
    words: tuple[str, ...]
    unset: tuple[str, ...] = ()
    error: str = ""
    demanded: tuple[str, ...] = ()


def expand(text: str, variables: Mapping[str, str], escape: str = "\\") -> Expansion:
    """Expand one value; `variables` holds what is set at that point."""
    if len(text) <= LONGEST_VALUE and not any(char in text for char in ("$", "'", '"', escape)):
        return Expansion(text, tuple(text.split()))
    scanner = _Scanner(text, variables, escape)
    try:
        result, found = scanner.until("")
    except _RefusedError as error:
        return Expansion(text, tuple(text.split()), tuple(scanner.unset), str(error))
    unset, demanded = (tuple(dict.fromkeys(names)) for names in (scanner.unset, scanner.demanded))
    return Expansion(result, tuple(found), unset, demanded=demanded)


class _RefusedError(ValueError):
    """A substitution that a builder refuses."""


@dataclass(slots=True)
class _Output:
    """Collects the result as a text and as words at the same time."""

    parts: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    word: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, text: str, *, quoted: bool) -> None:
        self.size += len(text)
        if self.size > LONGEST_VALUE:
            raise _RefusedError(f"the value is longer than {LONGEST_VALUE} characters")
        self.parts.append(text)
        if quoted:
            self.word.append(text)
            return
        for char in text:
            if char.isspace():
                self.flush()
            else:
                self.word.append(char)

    def flush(self) -> None:
        if any(self.word):
            self.words.append("".join(self.word))
        self.word = []


@dataclass(slots=True)
class _Scanner:
    text: str
    variables: Mapping[str, str]
    escape: str
    unset: list[str] = field(default_factory=list)
    demanded: list[str] = field(default_factory=list)
    index: int = 0
    depth: int = 0

    def peek(self) -> str:
        return self.text[self.index] if self.index < len(self.text) else ""

    def take(self) -> str:
        char = self.peek()
        self.index += 1
        return char

    def until(self, stop: str, *, keep_escapes: bool = False) -> tuple[str, list[str]]:
        """Expand up to the character `stop`, or to the end for ""; return the text and its words."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _RefusedError(f"substitutions are nested deeper than {_DEEPEST}")
        out = _Output()
        while (char := self.peek()) and char != stop:
            if char == "'":
                out.add(self.single_quoted(), quoted=True)
            elif char == '"':
                out.add(self.double_quoted(keep_escapes=keep_escapes), quoted=True)
            elif char == "$":
                out.add(self.dollar(), quoted=False)
            elif char == self.escape:
                self.take()
                out.add((char if keep_escapes else "") + self.take(), quoted=True)
            else:
                out.add(self.take(), quoted=False)
        if stop and not self.take():
            raise _RefusedError(f"a substitution is not closed: expected {stop!r}")
        out.flush()
        self.depth -= 1
        return "".join(out.parts), out.words

    def single_quoted(self) -> str:
        end = self.text.find("'", self.index + 1)
        if end < 0:
            raise _RefusedError("a single quote is not closed")
        found = self.text[self.index + 1 : end]
        self.index = end + 1
        return found

    def double_quoted(self, *, keep_escapes: bool) -> str:
        self.take()
        parts: list[str] = []
        while (char := self.peek()) != '"':
            if not char:
                raise _RefusedError("a double quote is not closed")
            if char == "$":
                parts.append(self.dollar())
                continue
            self.take()
            if char == self.escape and (after := self.peek()) and after in f'"${self.escape}':
                parts.append(char if keep_escapes else "")
                char = self.take()
            parts.append(char)
        self.take()
        return "".join(parts)

    def dollar(self) -> str:
        self.take()
        if self.peek() != "{":
            name = self.name()
            return self.value(name) or "" if name else "$"
        self.take()
        name = self.name()
        if not name:
            raise _RefusedError("a substitution names no variable")
        operator = self.take()
        if operator == "}":
            return self.value(name) or ""
        if operator == "/":
            return self.replaced(name)
        or_empty = operator == ":"
        if or_empty:
            operator = self.take()
        if not operator or operator not in "-+?#%" or (or_empty and operator in "#%"):
            raise _RefusedError(f"the substitution of {name} is not closed, or has an unknown modifier")
        word, _ = self.until("}", keep_escapes=operator in "#%")
        return self.modified(name, operator, word, or_empty=or_empty)

    def name(self) -> str:
        start = self.index
        first = self.peek()
        if first and first in _SPECIAL and not first.isdigit():
            return self.take()
        digits_only = first.isdigit()
        while (char := self.peek()) and (char.isdigit() or (not digits_only and (char.isalpha() or char == "_"))):
            self.index += 1
        return self.text[start : self.index]

    def value(self, name: str, *, expected: bool = True) -> str | None:
        found = self.variables.get(name)
        if found is None and expected:
            self.unset.append(name)
        return found

    def modified(self, name: str, operator: str, word: str, *, or_empty: bool) -> str:
        value = self.value(name, expected=operator in "#%")
        absent = value is None or (or_empty and not value)
        if operator == "-":
            return word if absent else value or ""
        if operator == "+":
            return "" if absent else word
        if operator == "?":
            if absent:
                self.demanded.append(name)
                self.unset.append(name)
            return value or ""
        longest = word.startswith(operator)
        pattern = word[1:] if longest else word
        if operator == "#":
            return (value or "")[_prefix(pattern, value or "", longest=longest) :]
        backwards = _suffix(pattern, value or "", longest=longest)
        return (value or "")[: len(value or "") - backwards]

    def replaced(self, name: str) -> str:
        everywhere = self.peek() == "/"
        if everywhere:
            self.take()
        pattern, _ = self.until("/", keep_escapes=True)
        replacement, _ = self.until("}", keep_escapes=True)
        value = self.value(name) or ""
        glob = _shell_glob(pattern, value)
        parts: list[str] = []
        done = at = 0
        while at <= len(value):
            end = max(glob.ends(value, at), default=-1)
            if end < 0:
                at += 1
                continue
            parts.extend((value[done:at], replacement))
            done = end
            at = max(end, at + 1)
            if not everywhere:
                break
        return "".join((*parts, value[done:]))


def _tokens(pattern: str) -> list[Token]:
    tokens: list[Token] = []
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\" and index + 1 < len(pattern):
            index += 1
            tokens.append(literal(pattern[index]))
        elif char in "*?":
            tokens.append(ANY_RUN if char == "*" else ANY)
        else:
            tokens.append(literal(char))
        index += 1
    return tokens


def _shell_glob(pattern: str, value: str) -> Glob:
    if len(pattern) + len(value) > _LONGEST_PATTERN_INPUT:
        raise _RefusedError(f"a pattern and its value are longer than {_LONGEST_PATTERN_INPUT} characters")
    return Glob(tuple(_tokens(pattern)))


def _prefix(pattern: str, value: str, *, longest: bool) -> int:
    ends = list(_shell_glob(pattern, value).ends(value))
    return ends[-1 if longest else 0] if ends else 0


def _suffix(pattern: str, value: str, *, longest: bool) -> int:
    forwards = _shell_glob(pattern, value)
    ends = list(Glob(forwards.tokens[::-1]).ends(value[::-1]))
    return ends[-1 if longest else 0] if ends else 0
