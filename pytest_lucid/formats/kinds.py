"""Which program a test file is for, by its name and what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.config.text_file import read_text
from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.document import read_document
from pytest_lucid.formats.goss import judge as goss
from pytest_lucid.formats.goss.sources import is_goss, read_vars
from pytest_lucid.formats.structure import judge as structure
from pytest_lucid.formats.structure.model import is_structure

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.formats.tested import Question

_EXPECTED = "tests of container-structure-test or goss, in YAML or JSON"


def is_known(path: Path) -> bool:
    """Whether the file is one of those that are read here."""
    try:
        text = read_text(path, _EXPECTED)
        return is_goss(text, path) or is_structure(read_document(text, path))
    except ConfigError:
        return False


def read_questions(path: Path, variables: Path | None = None) -> tuple[Question, ...]:
    """The tests of a file; templates know the values of the file `variables`.

    Raises ConfigError for what is wrong with it, or not supported.
    """
    text = read_text(path, _EXPECTED)
    if is_goss(text, path):
        return goss.questions(text, path, read_vars(variables))
    document = read_document(text, path)
    if not is_structure(document):
        raise ConfigError(f"{path}: no schemaVersion in it, and not the resources of goss; expected {_EXPECTED}")
    return structure.questions(document)
