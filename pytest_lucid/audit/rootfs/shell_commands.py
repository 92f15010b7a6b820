"""Reads the text of a RUN as simple commands, as far as that can be done without running it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.words import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.dockerfile.facts import RunInstruction

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|\\\n)|(?P<comment>\#[^\n]*)|(?P<redirect>\d*(?:>>?&?|<&?|&>>?))|(?P<end>&&|\|\||;;|[;&|\n()])|"
    r"(?P<word>(?:[^\s;&|()<>'\"\\$`]|\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"|\$\((?:[^()]|\([^()]*\))*\)|\$|`[^`]*`)+)|(?P<odd>.)",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_OPENING = frozenset(
    {"if", "then", "else", "elif", "for", "while", "until", "do", "case", "{", "!", "function", "select"}
)
_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class SimpleCommand:
    """One program with its arguments; a word whose value only the build knows is None.

    `writes` are the files that its output goes to. `assigned` are the variables set for it or, without a program, in
    the shell, with their values. `conditional` means that the command may not run, or may run often.
    """

    words: tuple[str | None, ...]
    writes: tuple[str | None, ...] = ()
    assigned: tuple[tuple[str, str | None], ...] = ()
    conditional: bool = False

    @property
    def program(self) -> str | None:
        """The name of the program without its folder; None when it is not known."""
        return self.words[0].rpartition("/")[2] if self.words and self.words[0] else None


def script(run: RunInstruction) -> str | None:
    """Return the shell text of a RUN; None when no shell reads it."""
    if run.command.form == "exec":
        name = run.command.argv[0].rpartition("/")[2] if run.command.argv else ""
        if name in _SHELLS and run.command.argv[1:2] == ("-c",) and run.command.argv[2:]:
            return run.command.argv[2]
        return None
    text = run.command.argv[-1]
    if run.heredocs and text.lstrip().startswith("<<"):
        return "\n".join(heredoc.content for heredoc in run.heredocs)
    return text


def commands(run: RunInstruction, variables: Mapping[str, str]) -> tuple[SimpleCommand, ...] | None:
    """Split a RUN into its commands, in order; None when it cannot be read. `variables` are what the shell has."""
    text = script(run)
    if text is None:
        return (SimpleCommand(run.command.argv),) if run.command.form == "exec" else None
    return _split(text, variables) if len(text) <= _LONGEST else None


class _Splitter:
    """Collects words until a command ends."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._words: list[str] = []
        self._writes: list[str | None] = []
        self._redirect = ""
        self._conditional = False
        self.found: list[SimpleCommand] = []

    def take(self, kind: str, token: str) -> None:
        """Take one token."""
        if kind == "redirect":
            self._redirect = token
        elif kind == "word" and self._redirect:
            if ">" in self._redirect and not self._redirect.endswith("&"):
                self._writes.append(_value(token, self._variables))
            self._redirect = ""
        elif kind == "word":
            self._words.append(token)
        elif kind == "end":
            self.finish()

    def finish(self) -> None:
        """End the present command."""
        while self._words and self._words[0] in _OPENING:
            self._conditional = True
            self._words.pop(0)
        simple = _simple(self._words, tuple(self._writes), self._variables, conditional=self._conditional)
        if simple.words or simple.assigned or simple.writes:
            self.found.append(simple)
        self._words, self._writes, self._redirect = [], [], ""


def _split(text: str, variables: Mapping[str, str]) -> tuple[SimpleCommand, ...] | None:
    splitter = _Splitter(variables)
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "odd":
            return None
        splitter.take(match.lastgroup or "", match.group())
    splitter.finish()
    return tuple(splitter.found)


def _simple(
    words: list[str], writes: tuple[str | None, ...], variables: Mapping[str, str], *, conditional: bool
) -> SimpleCommand:
    start = 0
    assigned: list[tuple[str, str | None]] = []
    while start < len(words) and _ASSIGNMENT.match(words[start]):
        name, _, value = words[start].partition("=")
        assigned.append((name, _value(value, variables)))
        start += 1
    values = tuple(_value(word, variables) for word in words[start:])
    return SimpleCommand(values, writes, tuple(assigned), conditional=conditional)


def _value(word: str, variables: Mapping[str, str]) -> str | None:
    """The word without quotes, its variables replaced; None where a command or an unknown variable makes it."""
    if "`" in word or "$(" in word:
        return None
    if "$" not in word or (word[:1] == word[-1:] == "'" and word.count("'") == len("''")):
        return unquote(word)
    known = True

    def replace(match: re.Match[str]) -> str:
        nonlocal known
        value = variables.get(match[1] or match[2])
        known = known and value is not None
        return value or ""

    replaced = _VARIABLE.sub(replace, word)
    return unquote(replaced) if known and "$" not in replaced else None
