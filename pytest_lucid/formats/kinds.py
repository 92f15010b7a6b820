"""Which program a test file is for, by what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.config.text_file import read_text
from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.document import read_document
from pytest_lucid.formats.structure import judge as structure
from pytest_lucid.formats.structure.model import is_structure

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.formats.tested import Question

_EXPECTED = "tests of container-structure-test, in YAML or JSON"


def is_known(path: Path) -> bool:
    """Whether the file is one of those that are read here."""
    try:
        return is_structure(read_document(read_text(path, _EXPECTED), path))
    except ConfigError:
        return False


def read_questions(path: Path) -> tuple[Question, ...]:
    """The tests of a file. Raises ConfigError for what is wrong with it, or not supported."""
    document = read_document(read_text(path, _EXPECTED), path)
    if not is_structure(document):
        raise ConfigError(f"{path}: no schemaVersion in it; expected {_EXPECTED}")
    return structure.questions(document)
