"""What a goss file expects of a value, read once, and asked of any value. Where values come from is not known here."""

from __future__ import annotations

import difflib
import json
import operator
from typing import TYPE_CHECKING, Any

from pytest_lucid.formats.go_regex import compiled
from pytest_lucid.formats.goss import gjson, semver
from pytest_lucid.formats.goss.values import UnansweredError, array, number, same, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Matcher = Callable[[Any], bool]
    Place = tuple[str | int, ...]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
_DEEPEST = 50
# One may push as many others to another place.
_MOST_ELEMENTS = 500


class WrongExpectationError(Exception):
    """What a file expects cannot be understood; `place` says in which part of it."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


def matcher(expected: Any, place: Place = ()) -> Matcher:
    """Return what judges values; asking it raises UnansweredError for a value that cannot be compared.

    Raises WrongExpectationError.
    """
    if len(place) > _DEEPEST:
        raise WrongExpectationError(place, "nested too deeply")
    if isinstance(expected, bool):
        return lambda actual: actual is expected
    if isinstance(expected, str):
        return lambda actual: text(actual) == expected
    if isinstance(expected, (int, float)):
        return lambda actual: number(actual) == expected
    if isinstance(expected, list):
        return _elements(expected, place, exactly=False)
    if not isinstance(expected, dict) or not expected:
        raise WrongExpectationError(place, "expected a value, a list of values, or a matcher")
    if len(expected) > 1:
        names = ", ".join(expected)
        raise WrongExpectationError(place, f"expected one matcher, got {names}; combine them with `and: [...]`")
    ((name, value),) = expected.items()
    return _named(name, value, (*place, name))


def _named(name: str, value: Any, place: Place) -> Matcher:
    if name in _MAKERS:
        return _MAKERS[name](value, place)
    near = difflib.get_close_matches(name, _MAKERS, 1)
    hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(_MAKERS)}"
    raise WrongExpectationError(place, f"goss has no matcher {name}; {hint}")


def _word(value: Any, place: Place) -> str:
    if not isinstance(value, str):
        raise WrongExpectationError(place, f"expected a text, got {json.dumps(value)[:80]}; write it in quotes")
    return value


def _some(value: Any, place: Place) -> list[Any]:
    if not isinstance(value, list):
        raise WrongExpectationError(place, "expected a list of values or matchers")
    return value


def _prefix(value: Any, place: Place) -> Matcher:
    word = _word(value, place)
    return lambda actual: text(actual).startswith(word)


def _suffix(value: Any, place: Place) -> Matcher:
    word = _word(value, place)
    return lambda actual: text(actual).endswith(word)


def _substring(value: Any, place: Place) -> Matcher:
    word = _word(value, place)
    return lambda actual: word in text(actual)


def _regexp(value: Any, place: Place) -> Matcher:
    try:
        pattern = compiled(_word(value, place))
    except ValueError as error:
        raise WrongExpectationError(place, f"{value!r} is no pattern of Go: {error}") from error
    return lambda actual: bool(pattern.search(text(actual)))


def _equal(value: Any, _: Place) -> Matcher:
    return lambda actual: same(actual, value)


def _ordered(name: str) -> Callable[[Any, Place], Matcher]:
    def make(value: Any, place: Place) -> Matcher:
        try:
            limit = number(value)
        except UnansweredError as error:
            raise WrongExpectationError(place, f"expected a number, got {json.dumps(value)[:80]}") from error
        return lambda actual: _ORDER[name](number(actual), limit)

    return make


def _length(value: Any, place: Place) -> Matcher:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1:
        raise WrongExpectationError(place, f"expected a whole number, got {json.dumps(value)[:80]}")

    def length(actual: Any) -> bool:
        if not isinstance(actual, (str, list, dict)):
            raise UnansweredError(f"{actual!r} has no length")
        # Go counts bytes.
        return len(actual.encode("utf-8", "surrogateescape") if isinstance(actual, str) else actual) == value

    return length


def _mapping(actual: Any) -> dict[str, Any]:
    if not isinstance(actual, dict):
        raise UnansweredError(f"{actual!r} has no keys")
    return actual


def _key(value: Any, place: Place) -> Matcher:
    key = matcher(value, place)
    return lambda actual: _any_of(key, list(_mapping(actual)))


def _key_with_value(value: Any, place: Place) -> Matcher:
    if not isinstance(value, dict):
        raise WrongExpectationError(place, "expected keys and their values")
    each = {key: matcher(part, (*place, key)) for key, part in value.items()}
    return lambda actual: all(key in _mapping(actual) and holds(actual[key]) for key, holds in each.items())


def _element(value: Any, place: Place) -> Matcher:
    one = matcher(value, place)
    return lambda actual: _any_of(one, array(actual))


def _any_of(one: Matcher, values: Sequence[Any]) -> bool:
    failed = None
    for each in values:
        try:
            if one(each):
                return True
        except UnansweredError as error:
            failed = error
    if failed:
        raise failed
    return False


def _elements(value: Any, place: Place, *, exactly: bool) -> Matcher:
    """Each expected element has one of its own; `exactly` says that nothing else may be there."""
    expected = [matcher(each, (*place, at)) for at, each in enumerate(_some(value, place))]
    if len(expected) > _MOST_ELEMENTS:
        raise WrongExpectationError(place, f"{len(expected)} elements; expected at most {_MOST_ELEMENTS}")

    def holds(actual: Any) -> bool:
        found = array(actual)
        return (not exactly or len(found) == len(expected)) and _assigned(expected, found)

    return holds


def _assigned(expected: Sequence[Matcher], found: Sequence[Any]) -> bool:
    """Whether each expected element can have a found one of its own: a matching in a graph of two sides."""
    fitting = [[at for at, value in enumerate(found) if _fits(one, value)] for one in expected]
    owner: dict[int, int] = {}

    def place(one: int, tried: set[int]) -> bool:
        free = next((at for at in fitting[one] if at not in owner), None)
        if free is not None:
            owner[free] = one
            return True
        for at in fitting[one]:
            if at not in tried:
                tried.add(at)
                if place(owner[at], tried):
                    owner[at] = one
                    return True
        return False

    return all(place(one, set()) for one in range(len(expected)))


def _fits(one: Matcher, value: Any) -> bool:
    try:
        return one(value)
    except UnansweredError:
        return False


def _not(value: Any, place: Place) -> Matcher:
    one = matcher(value, place)
    return lambda actual: not one(actual)


def _and(value: Any, place: Place) -> Matcher:
    each = [matcher(part, (*place, at)) for at, part in enumerate(_some(value, place))]
    return lambda actual: all(holds(actual) for holds in each)


def _or(value: Any, place: Place) -> Matcher:
    each = [matcher(part, (*place, at)) for at, part in enumerate(_some(value, place))]
    return lambda actual: any(holds(actual) for holds in each)


def _semver(value: Any, place: Place) -> Matcher:
    try:
        holds = semver.constraint(_word(value, place))
    except ValueError as error:
        raise WrongExpectationError(place, str(error)) from error

    def fits(actual: Any) -> bool:
        versions = [actual] if isinstance(actual, str) else array(actual)
        if not versions:
            raise UnansweredError("there is no version")
        try:
            read = [semver.version(text(each)) for each in versions]
        except ValueError as error:
            raise UnansweredError(str(error)) from error
        return all(map(holds, read))

    return fits


def _gjson(value: Any, place: Place) -> Matcher:
    if not isinstance(value, dict) or not value:
        raise WrongExpectationError(place, "expected paths and what is expected at them")
    each = []
    for path, expected in value.items():
        try:
            each.append((gjson.steps(path), matcher(expected, (*place, path))))
        except ValueError as error:
            raise WrongExpectationError((*place, path), str(error)) from error
    return lambda actual: all(holds(gjson.extract(text(actual), steps)) for steps, holds in each)


def patterns(expected: Any, place: Place) -> Matcher:
    """What lines are searched for: a part of a line, `/regex/`, and either with `!` for none. Raises as `matcher`."""
    each = [_pattern(_word(one, (*place, at)), (*place, at)) for at, one in enumerate(_some(expected, place))]

    def holds(actual: Any) -> bool:
        lines = text(actual).split("\n")
        # As Go's scanner: what follows the last newline is a line only if there is something.
        lines = [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]
        return all(any(map(finds, lines)) != inverse or always for finds, inverse, always in each)

    return holds


def _pattern(said: str, place: Place) -> tuple[Callable[[str], bool], bool, bool]:
    """How a line is searched, whether nothing may be found, and whether it holds in any case."""
    inverse = said.startswith("!")
    bare = said[1:] if inverse else said
    if not (bare.startswith("/") and bare.endswith("/")):
        part = said.lstrip("\\/!")
        return (lambda line: part in line), inverse, not said
    try:
        pattern = compiled(bare[1:-1] if len(bare) > 1 else "(")
    except ValueError as error:
        raise WrongExpectationError(place, f"{said!r} is no pattern of Go between slashes: {error}") from error
    return (lambda line: bool(pattern.search(line))), inverse, False


_MAKERS: dict[str, Callable[[Any, Place], Matcher]] = {
    "equal": _equal,
    "have-prefix": _prefix,
    "have-suffix": _suffix,
    "match-regexp": _regexp,
    "contain-substring": _substring,
    "have-patterns": patterns,
    "have-len": _length,
    "have-key": _key,
    "have-key-with-value": _key_with_value,
    "contain-element": _element,
    "contain-elements": lambda value, place: _elements(value, place, exactly=False),
    "consist-of": lambda value, place: _elements(value, place, exactly=True),
    "not": _not,
    "and": _and,
    "or": _or,
    **{name: _ordered(name) for name in _ORDER},
    "semver-constraint": _semver,
    "gjson": _gjson,
}
