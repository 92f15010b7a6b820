"""The glue for test files of other programs: which files are collected, and one pytest test for each of theirs."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.content.masking import clean
from pytest_lucid.errors import ConfigError, LucidError
from pytest_lucid.plugin.state import SETTINGS, workspace_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.formats.tested import Question
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
    return ForeignFile.from_parent(parent, path=file_path)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what was made for tests."""
    if UNDER_TEST in config.stash:
        config.stash[UNDER_TEST].close()


class ForeignFile(pytest.File):
    """A file of container-structure-test or goss."""

    def collect(self) -> Iterator[ForeignItem]:
        """Yield one test for each of the file, and for each of what is tested."""
        from pytest_lucid.formats.kinds import read_questions  # noqa: PLC0415 - as above

        against = self.config.stash[SETTINGS].against
        if not against:
            raise self.CollectError(
                f"{self.path.name}: nothing to run it against; give --lucid-against IMAGE, or lucid://CONTAINER"
            )
        try:
            questions = read_questions(self.path, self.config.stash[SETTINGS].vars)
        except ConfigError as error:
            raise self.CollectError(clean(str(error))) from error
        for name in against:
            for question in questions:
                called = f"{question.name}[{name}]" if len(against) > 1 else question.name
                yield ForeignItem.from_parent(self, name=called, question=question, against=name)


class ForeignItem(pytest.Item):
    """One test of such a file, against one image or container."""

    def __init__(self, *, question: Question, against: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._question = question
        self._against = against
        self.user_properties.append(("lucid.against", against))

    def runtest(self) -> None:
        """Ask, and fail with all that is wrong."""
        if self._question.skipped:
            pytest.skip(self._question.skipped)
        problems = self._question.ask(_tests(self.config).find(self._against))
        if problems:
            raise NotAsDemandedError(problems)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Say what is wrong without a traceback: the file has no code of its own."""
        if isinstance(excinfo.value, (NotAsDemandedError, LucidError)):
            return clean(f"{self._question.where}: {self.name}\n{excinfo.value}")
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the test is written: it may stand in a file that this one includes."""
        file, _, line = self._question.where.rpartition(":")
        return Path(file) if line.isdigit() else self.path, int(line) - 1 if line.isdigit() else None, self.name


class NotAsDemandedError(Exception):
    """What is tested is not as the file demands."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))


def _tests(config: pytest.Config) -> UnderTest:
    if UNDER_TEST not in config.stash:
        from pytest_lucid.tested.find import UnderTest  # noqa: PLC0415 - loads the engine's libraries

        workspace = workspace_of(config)
        config.stash[UNDER_TEST] = UnderTest(workspace.run, workspace.hosts[0])
    return config.stash[UNDER_TEST]
