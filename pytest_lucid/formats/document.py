"""A YAML or JSON file as plain data, with the line of everything in it. What the data means is not decided here.

A scalar of YAML stays the text that was written where a Go program lets the type of the field decide: `3.10` is a
version where a text is expected. Where the value decides, `typed` gives it the type that Go's YAML gives it. JSON has
types of its own, and they are kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# No file that a person wrote has more; a few lines of aliases can stand for billions.
_MOST_VALUES = 100_000
_PREFIX = "tag:yaml.org,2002:"
_NULL, _MERGE, _TEXT = f"{_PREFIX}null", f"{_PREFIX}merge", f"{_PREFIX}str"
# What JSON has too. Dates, sets and bytes are nothing that a test can be about.
_PLAIN = frozenset({_NULL, _MERGE, _TEXT, *(f"{_PREFIX}{kind}" for kind in ("bool", "int", "float", "seq", "map"))})


class _Loader(yaml.SafeLoader):
    """Reads all scalars as text, but for nothing (`null`, `~`) and the merge key."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own form
        first: [pair for pair in pairs if pair[0] in {_NULL, _MERGE}]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _TypedLoader(_Loader):
    """Reads scalars with the types of YAML 1.2, as Go's library does: `yes` and dates are texts."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own form
        first: list(pairs) for first, pairs in _Loader.yaml_implicit_resolvers.items()
    }


_TypedLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_TypedLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^[-+]?(?:0|[1-9]\d{0,17}|0o?[0-7]{1,17}|0x[0-9a-fA-F]{1,15}|0b[01]{1,60})$"),
    list("-+0123456789"),
)
_TypedLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d{1,3})?$"),
    list("-+.0123456789"),
)


@dataclass(frozen=True)
class Document:
    """The mapping that a file holds, and the lines of its parts, by their place: keys and numbers of items."""

    origin: str
    data: Mapping[str, Any]
    lines: Mapping[tuple[str | int, ...], int] = field(repr=False)

    def where(self, place: Sequence[str | int] = ()) -> str:
        """Return `FILE:LINE` of a part, or of the innermost that is known of those around it."""
        known = next((part for end in range(len(place), 0, -1) if (part := tuple(place[:end])) in self.lines), None)
        return f"{self.origin}:{self.lines[known]}" if known else self.origin


def read_document(text: str, path: Path, *, typed: bool = False) -> Document:
    """Read the text of `path`, JSON by its name, else YAML. Raises ConfigError for what is neither, or no mapping."""
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        data = _read_json(text, path) if path.suffix == ".json" else _read_yaml(text, path, lines, typed=typed)
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply; expected tests in YAML or JSON") from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ConfigError(f"{path}: expected a mapping of names to tests, got {type(data).__name__}")
    return Document(str(path), data, lines)


def _read_json(text: str, path: Path) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(f"{path}: {twice!r} is there twice; expected it once")
        return found

    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not valid JSON: {error.msg}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON: a number is too long; expected at most 4300 digits") from error


def _read_yaml(text: str, path: Path, lines: dict[tuple[str | int, ...], int], *, typed: bool) -> Any:
    try:
        loader = (_TypedLoader if typed else _Loader)(text)
        node = loader.get_single_node()
        if node is None:
            return {}
        _walk(node, (), lines, str(path))
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    except (ValueError, KeyError) as error:
        # `!!int abc`, `!!bool maybe`
        raise ConfigError(f"{path}: not valid YAML: {error} is not of the type that stands before it") from error


def _walk(node: yaml.Node, place: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], origin: str) -> None:
    """Keep the line of `node` and of all in it. Raises ConfigError for a key that is there twice, and for too much."""
    lines[place] = node.start_mark.line + 1
    if len(lines) > _MOST_VALUES:
        raise ConfigError(f"{origin}: more than {_MOST_VALUES} values, aliases counted as often as they are used")
    if node.tag not in _PLAIN:
        tag = node.tag.replace(_PREFIX, "!!")
        raise ConfigError(
            f"{origin}:{lines[place]}: not valid YAML here: {tag}; expected texts, numbers, true, false, null, lists "
            "and mappings"
        )
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _walk(item, (*place, number), lines, origin)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.tag == _MERGE:
                _walk(value, (*place, "<<"), lines, origin)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{origin}:{key.start_mark.line + 1}: expected a name as the key")
            # A key is a name, whatever it looks like.
            key.tag = _TEXT
            if key.value in seen:
                raise ConfigError(f"{origin}:{key.start_mark.line + 1}: {key.value!r} is there twice; expected it once")
            seen.add(key.value)
            _walk(value, (*place, key.value), lines, origin)
            lines[(*place, key.value)] = key.start_mark.line + 1
