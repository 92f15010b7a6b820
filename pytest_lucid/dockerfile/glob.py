"""Wildcards as an automaton on the bits of one integer: time grows with text times pattern, never exponentially.

Three dialects build on it: `.dockerignore` patterns, Go's filepath.Match for COPY sources, and the shell patterns of
`${X#pattern}`. A regular expression would be shorter and can be driven into hours of backtracking by a hostile file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_MOVES = 4096


@dataclass(frozen=True, slots=True)
class Token:
    """One step of a pattern: which characters it takes, and whether any number of them.

    `ranges` are inclusive pairs of characters. `optional` marks a step that takes nothing and lets the two steps
    behind it be left out together.
    """

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False
    repeated: bool = False
    optional: bool = False

    def takes(self, char: str) -> bool:
        """Return whether the step takes this character."""
        return any(low <= char <= high for low, high in self.ranges) is not self.negated


ANY = Token((), negated=True)
ANY_RUN = Token((), negated=True, repeated=True)
NOT_SLASH = Token((("/", "/"),), negated=True)
NOT_SLASH_RUN = Token((("/", "/"),), negated=True, repeated=True)
OPTIONAL = Token((), optional=True)


def literal(char: str) -> Token:
    """Return the step that takes exactly one character."""
    return Token(((char, char),))


@dataclass(slots=True)
class Glob:
    """A compiled pattern."""

    tokens: tuple[Token, ...]
    _single: dict[str, int] = field(default_factory=dict)
    _loops: dict[str, int] = field(default_factory=dict)
    _moves: dict[tuple[int, str], int] = field(default_factory=dict)
    _skippable: int = 0

    def __post_init__(self) -> None:
        """Mark the steps that may take nothing."""
        self._skippable = sum(1 << index for index, token in enumerate(self.tokens) if token.repeated or token.optional)

    def matches(self, text: str) -> bool:
        """Return whether the pattern takes the whole text."""
        last = -1
        for end in self.ends(text):
            last = end
        return last == len(text)

    def ends(self, text: str, start: int = 0) -> Iterator[int]:
        """Yield, ascending, every offset at which the pattern can end when it begins at `start`."""
        accept = 1 << len(self.tokens)
        states = self._closure(1)
        if states & accept:
            yield start
        for index in range(start, len(text)):
            move = (states, text[index])
            known = self._moves.get(move)
            states = self._move(*move) if known is None else known
            if not states:
                return
            if states & accept:
                yield index + 1

    def _move(self, states: int, char: str) -> int:
        """Where the states lead with this character; kept, because most texts go the same few ways."""
        if char not in self._single:
            self._learn(char)
        if len(self._moves) >= MOST_MOVES:
            self._moves.clear()
        reached = self._closure(((states & self._single[char]) << 1) | (states & self._loops[char]))
        self._moves[states, char] = reached
        return reached

    def _learn(self, char: str) -> None:
        single = loops = 0
        for index, token in enumerate(self.tokens):
            if token.takes(char):
                if token.repeated:
                    loops |= 1 << index
                else:
                    single |= 1 << index
        self._single[char], self._loops[char] = single, loops

    def _closure(self, states: int) -> int:
        """Add the states that are reached without taking a character; they only ever lie to the right."""
        pending = states & self._skippable
        while pending:
            low = pending & -pending
            pending ^= low
            token = self.tokens[low.bit_length() - 1]
            reached = (low << 1) | (low << 3 if token.optional else 0)
            pending |= reached & ~states & self._skippable
            states |= reached
        return states
