"""What the linter prints: one defect at a time with its places, one line for each finding, groups, or JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Editors know these words.
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "info", "note": "note"}
_WORST_FIRST = ("critical", "high", "medium", "low", "note")
# Of a group so many findings are shown, of a defect so many files, and lines of each; the rest is counted.
_SHOWN = 5
_SHOWN_LINES = 12


@dataclass(frozen=True, order=True, slots=True)
class Reported:
    """One finding of a check; `severity` is the check's, or "note" for what is no defect.

    The findings of a check with one `cause` are one defect at several places.
    """

    file: str
    line: int
    severity: str
    check: str
    message: str
    column: int = 1
    cause: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {_LEVELS[self.severity]} {self.check} {self.message}"

    @property
    def defect(self) -> tuple[str, str, str]:
        """What it has in common with the other places of the same defect."""
        return self.check, self.severity, self.cause or self.message


def as_text(reported: Sequence[Reported]) -> Iterator[str]:
    """`file:line:column: level id message`, in the order of files and lines."""
    yield from map(str, reported)


def as_json(reported: Sequence[Reported]) -> Iterator[str]:
    """A list of objects with the fields of `Reported`, and the level."""
    yield json.dumps([{**asdict(item), "level": _LEVELS[item.severity]} for item in reported], indent=2)


def by_cause(reported: Sequence[Reported]) -> Iterator[str]:
    """Each defect once, the worst and then the most frequent first: its first finding, and where it is besides."""
    for first, *others in _defects(reported):
        places = f" ({_count(len(others) + 1, 'place')})" if others else ""
        yield f"{first}{places}"
        files: dict[str, list[int]] = defaultdict(list)
        for item in others:
            files[item.file].append(item.line)
        for file, lines in list(files.items())[:_SHOWN]:
            more = f" and {len(lines) - _SHOWN_LINES} more" if len(lines) > _SHOWN_LINES else ""
            yield f"    also {file}: {', '.join(map(str, lines[:_SHOWN_LINES]))}{more}"
        rest = list(files.values())[_SHOWN:]
        if rest:
            yield f"    and {_count(sum(map(len, rest)), 'place')} in {_count(len(rest), 'file')} more"


def _defects(reported: Sequence[Reported]) -> list[list[Reported]]:
    found: dict[tuple[str, str, str], list[Reported]] = defaultdict(list)
    for item in reported:
        found[item.defect].append(item)
    return sorted(found.values(), key=lambda items: (_worst(items), -len(items), items[0]))


def grouped(reported: Sequence[Reported], key: str) -> Iterator[str]:
    """Groups by "file", "check" or "severity", each with its count, the worst first; of each the first findings."""
    groups: dict[str, list[Reported]] = defaultdict(list)
    for item in reported:
        groups[getattr(item, key)].append(item)
    for name, items in sorted(groups.items(), key=lambda group: (_worst(group[1]), -len(group[1]), group[0])):
        worst = _WORST_FIRST[_worst(items)]
        files = len({item.file for item in items})
        yield f"{name}: {_count(len(items), 'finding')} in {_count(files, 'file')}, the worst {worst}"
        for item in sorted(items, key=lambda item: (_WORST_FIRST.index(item.severity), item))[:_SHOWN]:
            yield f"  {item}"
        if len(items) > _SHOWN:
            yield f"  and {len(items) - _SHOWN} more"


def summary(reported: Sequence[Reported]) -> str:
    """One line: how many findings of which severity, and of how many defects."""
    found = [item for item in reported if item.severity != "note"]
    counts = [(level, sum(item.severity == level for item in found)) for level in _WORST_FIRST[:-1]]
    levels = ", ".join(f"{count} {level}" for level, count in counts if count)
    defects = len(_defects(found))
    of = f", of {_count(defects, 'cause')}" if defects < len(found) else ""
    return f"{_count(len(found), 'finding')} ({levels}){of}" if found else "no findings"


def _worst(items: Sequence[Reported]) -> int:
    return min(_WORST_FIRST.index(item.severity) for item in items)


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
