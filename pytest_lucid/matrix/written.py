"""Whether a check is to be made: what a matrix does not say is not checked."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

MISSING = object()


def is_demanded(check: str, demands: Iterable[str], *subjects: object) -> bool:
    """Whether to collect a check: the matrix has every key that the check demands, and nobody is `without` it.

    `subjects` are the row, if the check is about one, and the matrix; the first that has a key is asked. A key is
    written when it is neither absent nor false. Raises ConfigError for a key that no matrix can have.
    """
    if any(fnmatchcase(check, pattern) for subject in subjects for pattern in getattr(subject, "without", ())):
        return False
    return all(_is_written(check, key, subjects) for key in demands)


def _is_written(check: str, key: str, subjects: tuple[object, ...]) -> bool:
    first, *rest = key.split(".")
    value = next((getattr(subject, first) for subject in subjects if hasattr(subject, first)), MISSING)
    for name in rest:
        if value is None:
            break
        value = getattr(value, name, MISSING)
    if value is MISSING:
        raise ConfigError(f"{check}: it demands {key!r}, which is no key of the matrix")
    return value is not None and value is not False
