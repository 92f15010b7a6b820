"""What stands between {{ and }} in a template of Go, read into a tree: pipelines of functions and values."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<raw>`[^`]*`)|(?P<number>[-+]?\d+(?:\.\d+)?)"""
    r"""|(?P<field>\.[A-Za-z_]\w*)|(?P<dot>\.)|(?P<variable>\$\w*)|(?P<word>[A-Za-z_]\w*)|(?P<mark>:=|[=|(),])"""
)
_LITERALS = {"true": True, "false": False, "nil": None}
_DEEPEST = 60
# Of Go's whole numbers.
LARGEST = (1 << 63) - 1


class TemplateError(Exception):
    """A construct is wrong, or not supported here; `line` is where it stands."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Literal:
    """A value as it is written."""

    value: Any


@dataclass(frozen=True)
class ValueReference:
    """`.`, `$name` or a pipeline in parentheses, and the fields behind it; `start` is `.`, `$name` or the pipeline."""

    start: str | Pipeline
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True)
class Pipeline:
    """Commands, each of which gets the value of the one before as its last argument."""

    line: int
    said: str
    commands: tuple[Call | Operand, ...]


Operand = Literal | ValueReference


class PipelineReader:
    """Reads one pipeline: what is `said` in `line`; `whole` is all of the action, for messages."""

    def __init__(self, said: str, line: int, whole: str) -> None:
        self._line = line
        self._whole = whole
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(said):
            match = _TOKEN.match(said, at)
            if not match:
                raise self._wrong(f"{said[at]!r} is not understood")
            self._tokens.append((str(match.lastgroup), match[0]))
            at = match.end()
        self._at = 0
        self._depth = 0

    def pipeline(self) -> Pipeline:
        """Return it; raises TemplateError."""
        found = self._piped()
        if self._at < len(self._tokens):
            raise self._wrong(f"{self._tokens[self._at][1]!r} is not expected there")
        return found

    def _wrong(self, message: str) -> TemplateError:
        return TemplateError(self._line, f"{{{{{self._whole}}}}}: {message}")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _spaces(self) -> None:
        while self._peek()[0] == "space":
            self._at += 1

    def _piped(self) -> Pipeline:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong("parentheses are nested too deeply")
        commands = [self._command()]
        while self._peek() == ("mark", "|"):
            self._at += 1
            commands.append(self._command())
        self._depth -= 1
        return Pipeline(self._line, self._whole, tuple(commands))

    def _command(self) -> Call | Operand:
        self._spaces()
        kind, word = self._peek()
        if kind == "word" and word not in _LITERALS:
            self._at += 1
            return Call(word, tuple(self._operands()))
        operands = list(self._operands())
        if len(operands) != 1:
            raise self._wrong("a value takes no arguments" if operands else "a value is missing")
        return operands[0]

    def _operands(self) -> list[Operand]:
        found: list[Operand] = []
        while True:
            self._spaces()
            kind, word = self._peek()
            if kind == "end" or word in {"|", ")"}:
                return found
            self._at += 1
            found.append(self._literal(kind, word) or self._reference(kind, word))

    def _literal(self, kind: str, word: str) -> Literal | None:
        if kind == "text":
            try:
                return Literal(ast.literal_eval(word))
            except (SyntaxError, ValueError) as error:
                raise self._wrong(f"{word} is no text of Go") from error
        if kind == "raw":
            return Literal(word[1:-1])
        if kind == "number":
            if "." in word:
                return Literal(float(word))
            # Nineteen digits and a sign: no more are a number of Go.
            if len(word) > len(str(-LARGEST)) or abs(int(word)) > LARGEST:
                raise self._wrong(f"{word} is too large; expected a number of 64 bits")
            return Literal(int(word))
        return Literal(_LITERALS[word]) if word in _LITERALS else None

    def _reference(self, kind: str, word: str) -> ValueReference:
        start: str | Pipeline = word
        fields: tuple[str, ...] = ()
        if kind == "field":
            start, fields = ".", (word[1:],)
        elif kind == "word":
            return ValueReference(Pipeline(self._line, self._whole, (Call(word, ()),)))
        elif word == "(":
            start = self._piped()
            if self._peek() != ("mark", ")"):
                raise self._wrong("( without )")
            self._at += 1
        elif kind == "mark":
            raise self._wrong(f"{word!r} is not expected there")
        return ValueReference(start, (*fields, *self._fields()))

    def _fields(self) -> list[str]:
        found = []
        while self._peek()[0] == "field":
            found.append(self._peek()[1][1:])
            self._at += 1
        return found
