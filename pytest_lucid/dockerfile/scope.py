"""Which variables are set at one point of a Dockerfile, and what a text becomes there."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.expansion import expand
from pytest_lucid.dockerfile.facts import Located
from pytest_lucid.dockerfile.syntax import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.dockerfile.facts import StageFacts
    from pytest_lucid.dockerfile.words import Pair

# Far above what people write; bounds the memory that a file of 10,000 growing variables can take.
EXPANDED_CHARACTERS = 8_388_608


@dataclass(slots=True)
class Ledger:
    """What all scopes of one Dockerfile share: the problems found, and the characters that expansion may still make."""

    problems: list[Problem]
    remaining: int = EXPANDED_CHARACTERS
    demanded: list[Located[str]] = field(default_factory=list)

    def problem(self, code: str, line: int, message: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(code, line, message))


@dataclass(slots=True)
class Scope:
    """The ARGs and ENVs of one stage, or of the part before the first FROM; ENV wins over ARG.

    `given` are the build arguments, `outer` the values of the ARGs before the first FROM.
    """

    escape: str
    ledger: Ledger
    given: Mapping[str, str]
    outer: Mapping[str, str]
    args: dict[str, str] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    env: dict[str, str] = field(default_factory=dict)

    def inherit(self, ancestor: StageFacts, *, args: bool) -> None:
        """Take over what an earlier stage set: its ENVs, and its ARGs on demand."""
        self.env.update({key: located.value for key, located in ancestor.own_env.items()})
        if args:
            self.declared.update(ancestor.args)
            self.args.update({key: arg.value for key, arg in ancestor.args.items() if arg.value is not None})

    def expand(self, text: str, line: int) -> Located[str]:
        """Expand to one text."""
        text, _, unset = self._expand(text, line)
        return Located(text, line, unset)

    def expand_words(self, text: str, line: int) -> Located[tuple[str, ...]]:
        """Expand to words, split after expansion."""
        _, found, unset = self._expand(text, line)
        return Located(found, line, unset)

    def expand_heredoc(self, text: str) -> tuple[str, ...]:
        """The variables of a here-document that are not set; quotes mean nothing in it."""
        plain = text.replace("'", " ").replace('"', " ")
        result = expand(plain, ChainMap(self.env, self.args), self.escape)
        return () if result.error else result.unset

    def _expand(self, text: str, line: int) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        result = expand(text, ChainMap(self.env, self.args), self.escape)
        error = result.error
        self.ledger.remaining -= len(result.text)
        if self.ledger.remaining < 0:
            error = "the variables of this file expand to too much text"
        for name in result.demanded:
            if name in self.declared:
                self.ledger.demanded.append(Located(name, line))
            else:
                error = error or f"{name} must be set, and no ARG declares it"
        if error:
            self.ledger.problem("expansion", line, f"{text[:40]!r}: {error}.")
            return text, tuple(text.split()), result.unset
        return result.text, result.words, result.unset

    def declare(self, pair: Pair, line: int) -> Located[str | None]:
        """Apply one ARG: a given build argument wins, then its own default, then the value before the first FROM."""
        value: Located[str | None]
        self.declared.add(pair.key)
        if pair.key in self.given:
            value = Located(self.given[pair.key], line)
        elif pair.value is not None:
            default = self.expand(pair.value, line)
            value = Located(default.value, line, default.unset)
        else:
            value = Located(self.outer.get(pair.key), line)
        if value.value is not None:
            self.args[pair.key] = value.value
        return value
