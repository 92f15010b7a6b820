"""The glue for test files of other programs: which files are collected, and what they are run against."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.plugin.state import SETTINGS, workspace_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.plugin.foreign_file import ForeignFile
    from pytest_lucid.tested.find import UnderTest

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
UNDER_TEST = pytest.StashKey["UnderTest"]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ForeignFile | None:
    """Collect a file that the user names, or whose name has a pattern that the user gave; others are others'."""
    settings = parent.config.stash[SETTINGS]
    if file_path.suffix not in _SUFFIXES:
        return None
    named = parent.session.isinitpath(file_path)
    if not named and not any(fnmatchcase(file_path.name, pattern) for pattern in settings.collect):
        return None
    from pytest_lucid.formats.kinds import is_known  # noqa: PLC0415 - loads a parser, for runs with such files

    if named and not settings.against and not is_known(file_path):
        return None
    from pytest_lucid.plugin.foreign_file import ForeignFile  # noqa: PLC0415 - likewise

    return ForeignFile.from_parent(parent, path=file_path)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what was made for tests."""
    if UNDER_TEST in config.stash:
        config.stash[UNDER_TEST].close()


def under_test(config: pytest.Config) -> UnderTest:
    """What this run tests with such files; made on first use."""
    if UNDER_TEST not in config.stash:
        from pytest_lucid.tested.find import UnderTest  # noqa: PLC0415 - loads the engine's libraries

        workspace = workspace_of(config)
        config.stash[UNDER_TEST] = UnderTest(workspace.run, workspace.hosts[0])
    return config.stash[UNDER_TEST]
