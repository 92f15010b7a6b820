"""Reads the command lines of installers by tables of their options, which are data: installers.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_lucid.config import toml

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class InstallerArguments:
    """One command line: the command's words, its options, and the other words; None is what only the build knows.

    `vague` tells that some word is not known, or follows an option that the tables do not have.
    """

    options: list[tuple[str, str | None]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    vague: bool = False

    def all(self, *names: str) -> list[str]:
        """The known values of an option that may be repeated, whatever name it is given by."""
        return [value for name, value in self.options if name in names and value is not None]

    def last(self, *names: str) -> str | None:
        """The last value of an option; "" for one without a value, None when it is absent or not known."""
        return next((value for name, value in reversed(self.options) if name in names), None)

    def has(self, *names: str) -> bool:
        """Whether an option is given."""
        return any(name in names for name, _ in self.options)

    def is_unclear(self, *names: str) -> bool:
        """Whether an option is given with a value that only the build knows."""
        return any(name in names and value is None for name, value in self.options)


def read_arguments(tool: str, words: Sequence[str | None]) -> InstallerArguments:
    """Read what follows the name of a tool of the tables: pip, uv, poetry, pipenv."""
    valued, flags = _tables()[tool]
    found = InstallerArguments()
    pending = list(reversed(words))
    while pending:
        word = pending.pop()
        if word is None:
            found.vague = True
        elif word.startswith("--") and len(word) > len("--"):
            option, equals, value = word.partition("=")
            if equals or option in flags:
                found.options.append((option, value))
            elif option in valued:
                found.options.append((option, pending.pop() if pending else ""))
            else:
                found.options.append((option, None))
                found.vague = True
                if pending and not (pending[-1] or "").startswith("-"):
                    pending.pop()
        elif word.startswith("-") and len(word) > 1:
            _read_letters(word[1:], valued, pending, found)
        else:
            found.words.append(word)
    return found


def _read_letters(letters: str, valued: frozenset[str], pending: list[str | None], found: InstallerArguments) -> None:
    """Read joined letters: the first that takes a value takes the rest of the word, or the next word."""
    for index, letter in enumerate(letters):
        option = f"-{letter}"
        if option in valued:
            rest = letters[index + 1 :].removeprefix("=")
            found.options.append((option, rest or (pending.pop() if pending else "")))
            return
        found.options.append((option, ""))


@cache
def _tables() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    tables: dict[str, dict[str, Any]] = toml.packaged("pytest_lucid.audit.rootfs", "installers.toml")
    return {tool: (frozenset(table["valued"]), frozenset(table["flags"])) for tool, table in tables.items()}
