"""Finds the Dockerfiles of a project by their names; opens none of them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"(?:dockerfile|containerfile)(?:[.-].+)?|.+\.(?:dockerfile|containerfile)", re.IGNORECASE)
_NOT_DOCKERFILE = re.compile(
    r".*(?:~|\.(?:dockerignore|md|rst|txt|html?|json|ya?ml|toml|lock|log|j2|tmpl|tpl|template|erb|ejs|jinja2?|mustache|hbs|bak|orig|rej|sw[op]))",
    re.IGNORECASE,
)
# `Dockerfile.py` is an image for Python; `dockerfile.py` is a module about Dockerfiles.
_PROGRAM = re.compile(
    r"[dc][a-z]+file(?:[.-].+)?\.(?:py|pyi|pyc|sh|js|ts|tsx|go|rs|java|rb|c|h|cpp|cs|php|lua|el|vim|hs)|"
    r"[DC][a-z]+file[.-].+\.(?:pyi?|pyc|sh|[cm]?js|jsx|tsx?|go|rs|java|rb|cpp|cs|php|lua|hs)"
)
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", "node_modules", "__pycache__", ".tox", ".nox", ".venv", "venv", "site-packages"}
)


def is_dockerfile(name: str) -> bool:
    """Return whether a file of this name is taken for a Dockerfile."""
    return bool(_NAME.fullmatch(name)) and not _NOT_DOCKERFILE.fullmatch(name) and not _PROGRAM.fullmatch(name)


def find_dockerfiles(root: Path) -> tuple[Path, ...]:
    """Return the Dockerfiles at or below `root`, sorted; no symlink to a folder, environment or cache is entered."""
    return tuple(sorted(_walk(root)))


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root, followlinks=False):
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if name not in _SKIPPED]
        for name in files:
            path = Path(folder, name)
            if is_dockerfile(name) and path.is_file():
                yield path
