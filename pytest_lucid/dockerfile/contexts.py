"""What compose and bake files add to a build: names of contexts, which `--from` and FROM may name, and arguments.

Both only ever excuse: an unusual way to write one costs a finding that is wrong, and never hides a file. So lines are
read as people write them, and no YAML and no HCL is parsed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE = re.compile(r"(?:docker-)?compose[\w.-]*\.ya?ml|docker-bake[\w.-]*\.(?:hcl|json)", re.IGNORECASE)
_SKIPPED = frozenset({".git", "node_modules", "venv", ".venv", "site-packages", ".tox", ".nox", "__pycache__"})
_COMPOSE = re.compile(r"^([ ]*)additional_contexts:[ ]*(?:\{([^}\n]*)\})?[ ]*(?:#.*)?$", re.MULTILINE)
_BAKE = re.compile(r"\bcontexts\"?\s*[=:]\s*\{([^{}]*)\}")
_NAME = re.compile(r"^[ ]*(?:-[ ]*)?[\"']?([A-Za-z_][\w./-]*)[\"']?[ ]*[:=]", re.MULTILINE)
_INLINE = re.compile(r"[\"']?([A-Za-z_][\w./-]*)[\"']?\s*[:=]")
_ARGUMENTS = re.compile(r"^([ ]*)args:[ ]*(?:\{([^}\n]*)\})?[ ]*(?:#.*)?$", re.MULTILINE)
_ARGUMENT = re.compile(r"[ ]*(?:-[ ]*)?[\"']?([A-Za-z_]\w*)[\"']?[ ]*[:=][ ]*[\"']?([^\"'#\n]*?)[\"']?[ ]*(?:#.*)?")
_DEFAULT = re.compile(r"\$\{\w+:?-([^${}]*)\}")
_LARGEST, _MOST_FILES = 262_144, 200


def read_named_contexts(root: Path) -> frozenset[str]:
    """The names in every compose and bake file at or below `root`."""
    names: set[str] = set()
    for path, text in _texts(root):
        names.update(_compose_names(text) if _is_compose(path) else _bake_names(text))
    return frozenset(names)


def read_build_arguments(root: Path) -> dict[str, str]:
    """The build arguments that compose files at or below `root` give, the first value of each name.

    A value that depends on an unset variable is the variable's default, or unknown.
    """
    found: dict[str, str] = {}
    for path, text in _texts(root):
        for line in _blocks(text, _ARGUMENTS) if _is_compose(path) else ():
            if match := _ARGUMENT.fullmatch(line):
                value = _DEFAULT.sub(r"\1", match[2])
                if value and "$" not in value:
                    found.setdefault(match[1], value)
    return found


def _is_compose(path: Path) -> bool:
    return path.suffix.lower() in {".yml", ".yaml"}


def _texts(root: Path) -> Iterator[tuple[Path, str]]:
    for count, path in enumerate(_files(root)):
        if count >= _MOST_FILES:
            break
        try:
            with path.open("rb") as file:
                yield path, file.read(_LARGEST).decode(errors="replace").replace("\r\n", "\n")
        except OSError:
            continue


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        yield from (Path(folder, name) for name in sorted(files) if _FILE.fullmatch(name))


def _compose_names(text: str) -> Iterator[str]:
    for match in _COMPOSE.finditer(text):
        if match[2] is not None:
            yield from _INLINE.findall(match[2])
    for line in _blocks(text, _COMPOSE):
        yield from _NAME.findall(line)


def _blocks(text: str, key: re.Pattern[str]) -> Iterator[str]:
    """The lines below each key, as far as they are indented more; of a list, as much."""
    for match in key.finditer(text):
        if match[2] is not None:
            continue
        for line in text[match.end() + 1 :].split("\n"):
            bare = line.lstrip(" ")
            depth = len(line) - len(bare)
            if bare and not bare.startswith("#") and depth <= len(match[1]) and not bare.startswith("- "):
                break
            yield line


def _bake_names(text: str) -> Iterator[str]:
    for match in _BAKE.finditer(text):
        yield from _INLINE.findall(match[1])
