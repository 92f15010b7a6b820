"""The names that compose and bake files give to further build contexts, which `--from` and FROM may name.

The names only ever excuse: an unusual way to write one costs a finding that is wrong, and never hides a file. So lines
are read as people write them, and no YAML and no HCL is parsed.
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
_LARGEST, _MOST_FILES = 262_144, 200


def read_named_contexts(root: Path) -> frozenset[str]:
    """The names in every compose and bake file at or below `root`."""
    names: set[str] = set()
    for count, path in enumerate(_files(root)):
        if count >= _MOST_FILES:
            break
        try:
            with path.open("rb") as file:
                text = file.read(_LARGEST).decode(errors="replace").replace("\r\n", "\n")
        except OSError:
            continue
        names.update(_compose_names(text) if path.suffix.lower() in {".yml", ".yaml"} else _bake_names(text))
    return frozenset(names)


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        yield from (Path(folder, name) for name in sorted(files) if _FILE.fullmatch(name))


def _compose_names(text: str) -> Iterator[str]:
    for match in _COMPOSE.finditer(text):
        if match[2] is not None:
            yield from _INLINE.findall(match[2])
            continue
        for line in text[match.end() + 1 :].split("\n"):
            bare = line.lstrip(" ")
            depth = len(line) - len(bare)
            if bare and not bare.startswith("#") and depth <= len(match[1]) and not bare.startswith("- "):
                break
            yield from _NAME.findall(line)


def _bake_names(text: str) -> Iterator[str]:
    for match in _BAKE.finditer(text):
        yield from _INLINE.findall(match[1])
