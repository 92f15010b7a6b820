"""Findings that people say no to: `# lucid: ignore=ID reason` in a file, and `[[ignore]]` with a glob in lucid.toml.

A comment covers its own line and, alone on a line, the next line that is no comment. The rule `excuses` finds the
needless ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.glob import Glob
from pytest_lucid.dockerfile.ignore import clean, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.matrix import PathIgnore

_COMMENT = re.compile(r"#\s*lucid:\s*ignore\s*=\s*([A-Za-z0-9*?,-]+)[ \t]*(.*)")


@dataclass(frozen=True, slots=True)
class Excuse:
    """One comment: its 1-based line, patterns of checks, the reason ("" for none), the lines that it covers."""

    line: int
    checks: tuple[str, ...]
    reason: str
    covered: frozenset[int]

    def covers(self, check: str, line: int) -> bool:
        """Whether it covers a check's finding on a line."""
        return line in self.covered and any(fnmatchcase(check, pattern) for pattern in self.checks)


def read_excuses(text: str) -> tuple[Excuse, ...]:
    """Read the comments of one file."""
    if "lucid:" not in text:
        return ()
    lines = text.splitlines()
    found: list[Excuse] = []
    for number, line in enumerate(lines, 1):
        match = _COMMENT.search(line)
        if match is None:
            continue
        covered = {number}
        if line.lstrip().startswith("#"):
            below = (n for n in range(number + 1, len(lines) + 1) if not lines[n - 1].lstrip().startswith("#"))
            covered.add(next(below, number))
        checks = tuple(part for part in match[1].split(",") if part)
        found.append(Excuse(number, checks, match[2].strip(" -–:"), frozenset(covered)))
    return tuple(found)


def ignored_by_path(ignores: Iterable[PathIgnore], check: str, finding: Finding) -> PathIgnore | None:
    """The entry of lucid.toml that covers a finding; None for none."""
    return next((i for i in ignores if fnmatchcase(check, i.check) and _matches(i.path, finding.file)), None)


def _matches(pattern: str, path: str) -> bool:
    glob = Glob(tuple(tokens(clean(pattern), folders=True)))
    parts = path.split("/")
    # A folder stands for all below it.
    return any(glob.matches("/".join(parts[:count])) for count in range(1, len(parts) + 1))
