"""What the linter prints: one line for each finding, or groups, or JSON."""

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
# Of a group so many findings are shown; the rest is counted.
_SHOWN = 5


@dataclass(frozen=True, order=True, slots=True)
class Reported:
    """One finding of a check; `severity` is the check's, or "note" for what is no defect."""

    file: str
    line: int
    severity: str
    check: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:1: {_LEVELS[self.severity]} {self.check} {self.message}"


def as_text(reported: Sequence[Reported]) -> Iterator[str]:
    """`file:line:column: level id message`, in the order of files and lines."""
    yield from map(str, reported)


def as_json(reported: Sequence[Reported]) -> Iterator[str]:
    """A list of objects with the fields of `Reported`, and the level."""
    yield json.dumps([{**asdict(item), "column": 1, "level": _LEVELS[item.severity]} for item in reported], indent=2)


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
    """One line: how many findings of which severity."""
    defects = [item for item in reported if item.severity != "note"]
    counts = [(level, sum(item.severity == level for item in defects)) for level in _WORST_FIRST[:-1]]
    told = ", ".join(f"{count} {level}" for level, count in counts if count)
    return f"{_count(len(defects), 'finding')} ({told})" if defects else "no findings"


def _worst(items: Sequence[Reported]) -> int:
    return min(_WORST_FIRST.index(item.severity) for item in items)


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
