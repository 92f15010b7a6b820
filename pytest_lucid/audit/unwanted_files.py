"""Finds what a build context holds that nobody should send, and that no image needs."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from pytest_lucid.content.secrets import is_secret_file, is_secret_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_lucid.dockerfile.context import Context

_TESTS = re.compile(r"(?:.*/)?(?:tests?/.+|conftest\.py|test_[^/]*\.py|[^/]*_test\.py)")
_ENVIRONMENT = re.compile(r"(?:.*/)?pyvenv\.cfg")
# A probe need not see everything in a tree of a million files.
_MOST_FILES = 200_000


def find_leaks(context: Context) -> dict[str, tuple[str, int]]:
    """What a context holds that nobody should send: kind → (an example, how many)."""
    has_history = (context.root / ".git").exists() and not context.ignore.ignores(".git/HEAD")
    files = (path for path in islice(context.files(), _MOST_FILES) if "/.git/" not in f"/{path}")
    return {**({"history": (".git", 1)} if has_history else {}), **_examples(context, files)}


def find_unwanted(context: Context, source: str) -> dict[str, tuple[str, int]]:
    """What a copied file or folder holds that no image needs: kind → (an example, how many)."""
    return _examples(context, islice(context.files(source), _MOST_FILES))


def _examples(context: Context, paths: Iterable[str]) -> dict[str, tuple[str, int]]:
    found: dict[str, tuple[str, int]] = {}
    for path in paths:
        if kind := _kind(context, path):
            first, count = found.get(kind, (path, 0))
            found[kind] = (first, count + 1)
    return found


def _kind(context: Context, path: str) -> str:
    if "/.git/" in f"/{path}":
        return "history"
    # A file is opened only when its name is suspicious.
    is_secret = is_secret_path(path) and is_secret_file(path, context.head(path))
    return "secrets" if is_secret else kind_of(path)


def kind_of(path: str) -> str:
    """What a file of a context is that no image needs: "tests", "virtual environments", or ""."""
    if _TESTS.fullmatch(path):
        return "tests"
    return "virtual environments" if _ENVIRONMENT.fullmatch(path) else ""
