"""A goss file as resources, each with what is expected of it. Templates are rendered, and other files not followed."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.goss.matchers import WrongExpectationError, matcher, patterns
from pytest_lucid.formats.goss.shapes import COMMON, INCLUDE, KINDS, LIST, SHAPES
from pytest_lucid.formats.goss.values import printed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_lucid.formats.document import Document
    from pytest_lucid.formats.goss.matchers import Matcher
    from pytest_lucid.formats.goss.shapes import Shape

_TYPES = {str: "a text", int: "a whole number", bool: "true or false", LIST: "a list of texts"}


@dataclass(frozen=True)
class Expectation:
    """An attribute, what judges its value, and how the file says it."""

    attribute: str
    holds: Matcher
    said: Any


@dataclass(frozen=True)
class Resource:
    """One resource: its kind as in the file, its key, what it is about, and what is expected, in goss's order."""

    kind: str
    key: str
    subject: str
    where: str
    title: str
    skip: bool
    expected: tuple[Expectation, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How goss names it: its kind and its key."""
        return f"{SHAPES[self.kind].label}: {self.key}"


@dataclass(frozen=True)
class Include:
    """Another file, or a pattern of files, relative to the one that names it."""

    key: str
    pattern: str
    where: str


class _Problems:
    def __init__(self, document: Document) -> None:
        self._document = document
        self.said: list[str] = []

    def add(self, place: tuple[str | int, ...], message: str) -> None:
        self.said.append(f"{self._document.where(place)}: {'.'.join(map(str, place))}: {message}")


def read_resources(document: Document) -> tuple[tuple[Resource, ...], tuple[Include, ...]]:
    """Read a document. Raises one ConfigError with all that is wrong or not supported, each with its line."""
    problems = _Problems(document)
    resources: list[Resource] = []
    includes: list[Include] = []
    for kind, entries in document.data.items():
        if kind not in KINDS:
            problems.add((kind,), f"not a resource that goss has; {_nearest(kind, KINDS)}")
        elif entries is not None and not isinstance(entries, dict):
            problems.add((kind,), f"expected a mapping of names to attributes, got {printed(entries)[:80]!r}")
        elif kind == INCLUDE:
            includes += _includes(entries or {}, document, problems)
        else:
            resources += (
                found
                for key, attributes in (entries or {}).items()
                if (found := _resource(kind, key, attributes, document, problems))
            )
    if problems.said:
        raise ConfigError("\n".join(problems.said))
    return tuple(resources), tuple(includes)


def _nearest(name: str, known: Iterable[str]) -> str:
    known = tuple(known)
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"


def _includes(entries: Mapping[str, Any], document: Document, problems: _Problems) -> Iterator[Include]:
    for key, attributes in entries.items():
        place = (INCLUDE, key)
        given = {} if attributes is None else attributes
        if not isinstance(given, dict):
            problems.add(place, f"expected attributes, got {printed(given)[:80]!r}")
            continue
        for name in given:
            if name not in {"file", *COMMON}:
                problems.add((*place, name), f"not an attribute of gossfile; {_nearest(name, ('file', *COMMON))}")
        if given.get("skip") is not True:
            yield Include(key, printed(given.get("file") or key), document.where(place))


def _resource(kind: str, key: str, attributes: Any, document: Document, problems: _Problems) -> Resource | None:
    shape = SHAPES[kind]
    place = (kind, key)
    if not isinstance(attributes, dict):
        problems.add(place, f"expected attributes, got {printed(attributes)[:80]!r}")
        return None
    before = len(problems.said)
    for name in attributes:
        if name not in shape.attributes:
            problems.add((*place, name), f"not an attribute of {kind}; {_nearest(name, shape.attributes)}")
    skip = attributes.get("skip") or False
    if not isinstance(skip, bool):
        problems.add((*place, "skip"), f"expected true or false, got {printed(skip)[:80]!r}")
    subject = attributes.get(shape.name) if shape.name else None
    if isinstance(subject, (dict, list)):
        problems.add((*place, shape.name), f"expected a text, got {printed(subject)[:80]!r}")
    if shape.required and attributes.get(shape.required) is None and skip is not True:
        problems.add(place, f"{shape.required} is missing; expected what it must be")
    expected = tuple(_expected(shape, attributes, place, problems))
    options = {
        name: _option(attributes[name], shape, (*place, name), problems)
        for name in shape.options
        if attributes.get(name) is not None
    }
    if len(problems.said) > before:
        return None
    return Resource(
        kind=kind,
        key=key,
        subject=printed(subject) if subject not in {None, ""} else key,
        where=document.where(place),
        title=printed(attributes.get("title") or ""),
        skip=skip,
        expected=expected,
        options=options,
    )


def _expected(
    shape: Shape, attributes: Mapping[str, Any], place: tuple[str, ...], problems: _Problems
) -> Iterator[Expectation]:
    for name in (shape.required, *shape.judged, *shape.streams):
        said = attributes.get(name)
        # An empty list of lines demands nothing.
        if said is None or (name in shape.streams and said == []):
            continue
        try:
            lines = isinstance(said, list) and (name in shape.streams or attributes.get("as-reader") is True)
            yield Expectation(name, patterns(said, ()) if lines else matcher(said), said)
        except WrongExpectationError as error:
            problems.add((*place, name, *error.place), str(error))


def _option(value: Any, shape: Shape, place: tuple[str, ...], problems: _Problems) -> Any:
    kind = shape.options[place[-1]]
    if kind is str and not isinstance(value, (list, dict)):
        return printed(value)
    fits = isinstance(value, kind) and (kind in {bool, object} or not isinstance(value, bool))
    negative = kind is int and fits and value < 0
    if not fits or negative or (kind is LIST and not all(isinstance(each, str) for each in value)):
        problems.add(place, f"expected {_TYPES[kind]}, got {printed(value)[:80]!r}")
    return value
