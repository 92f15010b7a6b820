"""Reads the requirements that an install names, with nested files and constraints, where the context has them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.requirement_text import read_requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_lucid.audit.rootfs.pip_installs import Install

_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)(?:\s+|=|(?<=-r)|(?<=-c))\s*(\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)[\s=]\s*")
_LARGEST = 2_000_000
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement: normal name, where it is written, whether to one version, whether with a hash (or none can be).

    The name is "" where nobody can tell it, as of a folder of the tree.
    """

    name: str
    file: str
    line: int
    pinned: bool
    hashed: bool


def requirements_of(
    install: Install, dockerfile: str, read_file: Callable[[str], tuple[Requirement, ...] | None]
) -> tuple[Requirement, ...] | None:
    """All that an install names; None when one of its files, which `read_file` reads, cannot be seen."""
    found: list[Requirement] = []
    constraints: set[str] = set()
    sources = dict(install.sources)
    for files, into in ((install.files, found), (install.constraints, None)):
        for path in files:
            source = sources.get(path)
            read = None if source is None else read_file(source)
            if read is None:
                return None
            if into is None:
                constraints |= {item.name for item in read if item.pinned}
            else:
                into.extend(read)
    for text in install.names:
        written = read_requirement(text)
        # A command line has no place for hashes.
        found.append(Requirement(written.name, dockerfile, install.line, written.pinned, hashed=True))
    return _constrained(found, constraints)


def read_requirements(text: str, file: str) -> Iterator[Requirement | tuple[str, str]]:
    """Yield the requirements of a file, and (kind, path) for each file that it includes."""
    number, pending, first = 0, "", 0
    for raw in text.splitlines():
        number += 1
        line = re.sub(r"(?:^|\s)#.*", "", raw).strip()
        if not pending:
            first = number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        logical, pending = (pending + line).strip(), ""
        if not logical:
            continue
        if match := _INCLUDE.match(logical):
            kind = "constraint" if match[1] in {"-c", "--constraint"} else "requirement"
            yield kind, posixpath.normpath(posixpath.join(posixpath.dirname(file), match[2]))
        elif not logical.startswith("-") or _EDITABLE.match(logical):
            logical = _EDITABLE.sub("", logical)
            written = read_requirement(re.split(r"\s--", logical)[0], hashed="--hash" in logical)
            yield Requirement(written.name, file, first, written.pinned, written.hashed)


def load_requirements(root: Path, path: Path, depth: int = 0) -> tuple[Requirement, ...] | None:
    """Read a file and what it includes; None when one cannot be read, or they include each other without end."""
    try:
        if depth > _DEEPEST or path.stat().st_size > _LARGEST:
            return None
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError:
        return None
    found: list[Requirement] = []
    constraints: set[str] = set()
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    for item in read_requirements(text, path.as_posix()):
        if isinstance(item, Requirement):
            found.append(replace(item, file=shown))
            continue
        kind, other = item
        inner = load_requirements(root, Path(other), depth + 1)
        if inner is None:
            return None
        if kind == "requirement":
            found.extend(inner)
        else:
            constraints |= {requirement.name for requirement in inner if requirement.pinned}
    return _constrained(found, constraints)


def _constrained(found: list[Requirement], constraints: set[str]) -> tuple[Requirement, ...]:
    """The requirements, with those pinned that a file of constraints pins."""
    if not constraints:
        return tuple(found)
    return tuple(replace(item, pinned=item.pinned or item.name in constraints) for item in found)
