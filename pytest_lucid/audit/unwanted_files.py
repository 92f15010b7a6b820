"""Finds what a build context holds that nobody should send, and that no image needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.content.secrets import is_secret_file, is_secret_path

if TYPE_CHECKING:
    from pytest_lucid.dockerfile.context import Context

_TESTS = re.compile(r"(?:.*/)?(?:tests?/.+|conftest\.py|test_[^/]*\.py|[^/]*_test\.py)")
_ENVIRONMENT = re.compile(r"(?:.*/)?pyvenv\.cfg")
# A probe need not see everything in a tree of a million files.
_MOST_FILES = 200_000


def find_leaks(context: Context) -> dict[str, tuple[str, int]]:
    """What a context holds that nobody should send: kind → (an example, how many)."""
    leaks: dict[str, tuple[str, int]] = {}
    if (context.root / ".git").exists() and not context.ignore.ignores(".git/HEAD"):
        leaks["history"] = (".git", 1)
    for index, path in enumerate(context.files()):
        if index > _MOST_FILES:
            break
        kind = "secrets" if _is_secret(context, path) else kind_of(path)
        if kind and not path.startswith(".git/"):
            first, count = leaks.get(kind, (path, 0))
            leaks[kind] = (first, count + 1)
    return leaks


def _is_secret(context: Context, path: str) -> bool:
    # A file is opened only when its name is suspicious.
    return is_secret_path(path) and is_secret_file(path, context.head(path))


def kind_of(path: str) -> str:
    """What a file of a context is that no image needs: "tests", "virtual environments", or ""."""
    if _TESTS.fullmatch(path):
        return "tests"
    return "virtual environments" if _ENVIRONMENT.fullmatch(path) else ""


def find_baggage(context: Context, source: str) -> dict[str, tuple[str, int]]:
    """What a copied file or folder holds that no image needs: kind → (an example, how many)."""
    found: dict[str, tuple[str, int]] = {}
    for index, path in enumerate(context.files(source)):
        if index > _MOST_FILES:
            break
        if path.startswith(".git/") or "/.git/" in path:
            kind = "history"
        else:
            kind = "secrets" if _is_secret(context, path) else kind_of(path)
        if kind:
            first, count = found.get(kind, (path, 0))
            found[kind] = (first, count + 1)
    return found
