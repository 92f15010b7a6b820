"""A test file of another program: one pytest test for each of its tests, and for each of what is tested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.content.masking import clean
from pytest_lucid.errors import ConfigError, LucidError
from pytest_lucid.formats.kinds import read_questions
from pytest_lucid.plugin.foreign import under_test
from pytest_lucid.plugin.state import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.formats.tested import Question


class ForeignFile(pytest.File):
    """A file of container-structure-test or goss."""

    def collect(self) -> Iterator[ForeignItem]:
        """Yield one test for each of the file, and for each of what is tested."""
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
        problems = self._question.ask(under_test(self.config).find(self._against))
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
