"""From a goss file to all its resources: templates are rendered, and the files that it includes are read with it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_lucid.config.text_file import read_text
from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.document import read_document
from pytest_lucid.formats.goss.model import read_resources
from pytest_lucid.formats.goss.shapes import KINDS
from pytest_lucid.formats.goss.template import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.formats.document import Document
    from pytest_lucid.formats.goss.model import Resource

_EXPECTED = "tests of goss, in YAML or JSON"
_NAMED = re.compile(r"goss\.(?:ya?ml|json)|(?:.*[._-])?goss\.ya?ml|goss[._-].*\.ya?ml")
_KEY = re.compile(r"""^["']?([A-Za-z_][\w-]*)["']?[ \t]*:(?:\s|$)""", re.MULTILINE)
_MOST_FILES = 200


def is_goss(text: str, path: Path) -> bool:
    """Whether the text of `path`, of which nothing is rendered yet, is such a file: by its name, or all its keys."""
    if _NAMED.fullmatch(path.name):
        return True
    if path.suffix == ".json":
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return False
        keys = list(data) if isinstance(data, dict) else []
    else:
        keys = _KEY.findall(text)
    return bool(keys) and set(keys) <= set(KINDS)


def read_vars(path: Path | None) -> Mapping[str, Any]:
    """The values that templates know as `.Vars`. Raises ConfigError."""
    expected = "values for templates of goss, in YAML or JSON"
    return read_document(read_text(path, expected), path, typed=True).data if path else {}


def read_all(text: str, path: Path, variables: Mapping[str, Any]) -> tuple[Resource, ...]:
    """The resources of a file and of those that it includes. Raises ConfigError with file, line and what is wrong."""
    reader = _Reader(variables)
    reader.read(text, path, ())
    return tuple(reader.resources.values())


class _Reader:
    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._files = 0
        self.resources: dict[tuple[str, str], Resource] = {}

    def read(self, text: str, path: Path, above: tuple[Path, ...]) -> None:
        self._files += 1
        if self._files > _MOST_FILES:
            raise ConfigError(f"{path}: more than {_MOST_FILES} files are included; expected fewer")
        resources, includes = read_resources(self._document(text, path))
        # As goss merges: of two with one name, that of the included file.
        self.resources |= {(each.kind, each.key): each for each in resources}
        for include in sorted(includes, key=lambda each: each.key):
            for file in _found(include.pattern, path.parent, include.where):
                if file.resolve() in (*above, path.resolve()):
                    raise ConfigError(f"{include.where}: {file} includes itself; leave one of the gossfile entries out")
                self.read(read_text(file, _EXPECTED), file, (*above, path.resolve()))

    def _document(self, text: str, path: Path) -> Document:
        if "{{" not in text:
            return read_document(text, path, typed=True)
        rendered = render(text, path, self._variables)
        try:
            document = read_document(rendered.text, path, typed=True)
        except ConfigError as error:
            raise ConfigError(f"{error} (in what the template makes; its lines are counted)") from error
        lines = {place: rendered.lines[line - 1] for place, line in document.lines.items()}
        return replace(document, lines=lines)


def _found(pattern: str, folder: Path, where: str) -> list[Path]:
    if "\0" in pattern:
        raise ConfigError(f"{where}: {pattern!r} is no name of a file; expected one, or a pattern such as more/*.yaml")
    named = str(folder / pattern)
    found = sorted(map(Path, glob(named) if has_magic(pattern) else [named]))  # noqa: PTH207 - also absolute patterns
    if not found:
        raise ConfigError(f"{where}: no file is called {pattern}; expected at least one, or skip: true")
    return found
