"""goss's matchers: those of its manual and its examples, and each of them with what it must refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.goss import semver
from pytest_lucid.formats.goss.judge import questions

AWESOME = Path(__file__).with_name("matchers.yaml")


def verdict(content: str, matches: str, *more: str) -> bool:
    lines = ["matching:", "  x:", f"    content: {content}", f"    matches: {matches}", *(f"    {one}" for one in more)]
    (question,) = questions("\n".join(lines), Path("x.yaml"), {})
    return not question.ask(None)  # type: ignore[arg-type]  # nothing is asked


def test_every_example_of_the_manual_passes_and_those_called_not_fail() -> None:
    asked = questions(AWESOME.read_text("utf-8"), AWESOME, {})
    failed = {question.name for question in asked if question.ask(None)}  # type: ignore[arg-type]  # as above
    assert failed == {question.name for question in asked if question.name.startswith("Matching: not ")}
    assert len(asked) > len(failed) > 0


@pytest.mark.parametrize(
    ("content", "matches"),
    [
        ("x", "x"),
        ("42", "'42'"),
        ("'42'", "42"),
        ("'42'", "42.0"),
        ("true", "true"),
        ("true", "'true'"),
        ("[a, b, c]", "[c, a]"),
        ("[a, b]", "[]"),
        ("[46, 45]", "[{and: [{ge: 40}, {le: 50}]}, '46']"),
        ("[a, b]", "{equal: [a, b]}"),
        ("{a: 1}", "{equal: {a: 1.0}}"),
        ("[a, b]", "{consist-of: [b, have-prefix: a]}"),
        # Only one assignment fits, and not the first that is tried.
        ("[a, ab]", "{consist-of: [{have-prefix: a}, a]}"),
        ("[ab, a]", "{contain-elements: [{have-prefix: a}, ab]}"),
        ("[a, 3]", "{contain-element: {gt: 2}}"),
        ('"a\\n3"', "{contain-element: {gt: 2}}"),
        ("abc", "{and: [{have-prefix: a}, {have-suffix: c}, {contain-substring: b}, {match-regexp: '^.b.$'}]}"),
        ("abc", "{or: [x, abc]}"),
        ("abc", "{not: x}"),
        ("é", "{have-len: 2}"),
        ("{a: 1, b: 2}", "{have-len: 2}"),
        ("{a: 1}", "{have-key: a}"),
        ("{ab: 1}", "{have-key: {have-prefix: a}}"),
        ("{a: 1, b: x}", "{have-key-with-value: {a: 1, b: {have-prefix: x}}}"),
        ("[1.0.1, 1.9.9]", "{semver-constraint: '>1.0.0 <2.0.0 !=1.5.0'}"),
        ("1.0.1", "{semver-constraint: '>5.0.0 || < 1.5.0'}"),
        ('\'{"a": {"b": [1, {"c": 2}]}}\'', "{gjson: {a.b.1.c: 2, 'a.b.#': 2, '@this': {have-key: a}}}"),
        ('\'[{"a": 1}, {"a": 2}]\'', "{gjson: {'#.a': [2, 1]}}"),
        ("'{\"a.b\": 1}'", "{gjson: {'a\\.b': {lt: 2}}}"),
    ],
)
def test_what_holds(content: str, matches: str) -> None:
    assert verdict(content, matches)


@pytest.mark.parametrize(
    ("content", "matches"),
    [
        ("x", "y"),
        ("42", "43"),
        ("1", "true"),
        ("'true'", "true"),
        ("x", "42"),
        ("true", "1"),
        ("[a]", "[a, a]"),
        ("[a, b]", "{equal: [b, a]}"),
        ("42", "{equal: '42'}"),
        ("[a, b]", "{consist-of: [a]}"),
        ("[a]", "{consist-of: [a, b]}"),
        ("[a, b]", "{contain-element: c}"),
        ("5", "{contain-element: 5}"),
        ("abc", "{have-prefix: b}"),
        ("abc", "{have-suffix: b}"),
        ("abc", "{match-regexp: '^b'}"),
        ("5", "{gt: 5}"),
        ("5", "{lt: 5}"),
        ("4.9", "{ge: 5}"),
        ("5.1", "{le: 5}"),
        ("abc", "{and: [abc, x]}"),
        ("abc", "{or: [x, y]}"),
        ("abc", "{not: abc}"),
        # What cannot be compared is not made true by `not`.
        ("abc", "{not: {gt: 3}}"),
        ("5", "{not: {have-key: a}}"),
        ("1.2", "{not: {semver-constraint: '>1.0.0'}}"),
        ("5", "{have-len: 1}"),
        ("[1.0.1, 1.5.0]", "{semver-constraint: '>1.0.0 !=1.5.0'}"),
        ("[]", "{semver-constraint: '>1.0.0'}"),
        ("'{\"a\": 1}'", "{gjson: {b: 1}}"),
        ("no json", "{gjson: {b: 1}}"),
        ("'[1]'", "{gjson: {'7': 1}}"),
    ],
)
def test_what_does_not_hold(content: str, matches: str) -> None:
    assert not verdict(content, matches)


@pytest.mark.parametrize(
    ("matches", "holds"),
    [
        ("[foo]", True),
        ("['!foo']", False),
        ("['!bar']", True),
        ("['/^m.*w$/']", True),
        ("['/^b/']", False),
        ("['!/^m/']", False),
        ("['!/^b/']", True),
        ("['\\!x', '/usr/bin']", True),
        ("['']", True),
        ("[moo, foo, moo]", True),
        # Line by line: nothing spans two.
        ("['/foo.*moo/']", False),
    ],
)
def test_patterns_of_lines(matches: str, holds: bool) -> None:  # noqa: FBT001 - a column
    assert verdict('"foo a\\r\\nmoo cow\\n!x usr/bin\\n"', matches, "as-reader: true") is holds


def test_nothing_has_no_lines_but_the_empty_pattern_is_there() -> None:
    assert verdict("''", "['']", "as-reader: true")
    assert not verdict("''", "['x']", "as-reader: true")
    assert verdict("''", "['!x']", "as-reader: true")


@pytest.mark.parametrize(
    ("matches", "said"),
    [
        ("{have-prefx: a}", "x.yaml:4: matching.x.matches.have-prefx: goss has no matcher have-prefx; did you mean "),
        ("{zzz: a}", "expected one of equal, have-prefix"),
        ("{gt: 1, lt: 2}", "expected one matcher, got gt, lt; combine them with `and: [...]`"),
        ("{gt: x}", "matches.gt: expected a number"),
        ("{have-len: x}", "expected a whole number"),
        ("{have-len: 1e999}", "expected a whole number"),
        ("{have-len: 1.5}", "expected a whole number"),
        ("{have-prefix: 4}", "expected a text, got 4; write it in quotes"),
        ("{and: a}", "expected a list of values or matchers"),
        ("{and: [{not: {zzz: 1}}]}", "matching.x.matches.and.0.not.zzz"),
        ("{}", "expected a value, a list of values, or a matcher"),
        ("{match-regexp: '(?=a)'}", "no pattern of Go"),
        ("{have-key-with-value: a}", "expected keys and their values"),
        ("{semver-constraint: '>1'}", "no version such as 1.2.3"),
        ("{semver-constraint: ''}", "no range of versions"),
        ("{gjson: {'a.#(b==1)': 1}}", "in a path of gjson is not supported here"),
        ("{gjson: {}}", "expected paths"),
        ("[a, {have-patterns: ['/(/']}]", "between slashes"),
        ("{not: " * 60 + "a" + "}" * 60, "nested too deeply"),
    ],
)
def test_a_wrong_matcher_is_told_with_its_place(matches: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        verdict("x", matches)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("version", "limit", "holds"),
    [
        ("4.0.0-rc1", ">= 4.0.0", False),
        ("4.0.0-rc1", "< 4.0.0", True),
        ("4.1.0+build", "> 4.0.0", True),
        ("1.2.9", "1.2.x", True),
        ("1.3.0", "1.2.x", False),
        ("1.3.0", ">1.2.x", True),
        ("1.2.9", ">1.2.x", False),
        ("1.2.9", "<=1.2.x", True),
        ("2.0.0", "!1.x", True),
        ("1.0.0-alpha.2", "<1.0.0-alpha.10", True),
        ("1.0.0-1", "<1.0.0-a", True),
        ("4.1.0", "> 1.0.0 < 2.0.0 || > 4.0.0", True),
    ],
)
def test_versions(version: str, limit: str, holds: bool) -> None:  # noqa: FBT001 - a column
    assert semver.constraint(limit)(semver.version(version)) is holds


@pytest.mark.parametrize("version", ["4.4.019-1", "4.4.019+build+build2", "1.0", "v1.0.0", "", "1.0.0-01"])
def test_what_is_no_version(version: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        semver.version(version)


def test_a_matcher_says_what_it_found_and_why_it_could_not_compare() -> None:
    (question,) = questions("matching: {x: {content: abc, title: why, matches: {not: {gt: 3}}}}", Path("x.yaml"), {})
    asked: Any = None
    assert question.ask(asked) == ["why", 'matches is "abc"; expected {"not": {"gt": 3}} (\'abc\' is no number)']


def test_elements_that_push_each_other_on_find_their_places() -> None:
    # Each fits two places, and the last one only that of the first: all must move.
    count = 400
    expected = ", ".join(f"{{or: ['{at}', '{at + 1}']}}" for at in range(count))
    found = ", ".join(f"'{at}'" for at in range(count + 1))
    assert verdict(f"[{found}]", f"{{consist-of: [{expected}, '0']}}")
    assert not verdict(f"[{found}]", f"{{consist-of: [{expected}, '{count + 1}']}}")


def test_too_many_elements_are_refused() -> None:
    with pytest.raises(ConfigError, match="501 elements; expected at most 500"):
        verdict("[a]", str(["a"] * 501))


def test_what_is_said_of_a_value_is_short_and_can_be_written_anywhere() -> None:
    (question,) = questions("matching: {x: {content: %s, matches: {gt: 3}}}" % ("x" * 5000), Path("x.yaml"), {})
    asked: Any = None
    (said,) = question.ask(asked)
    assert len(said) < 1000
    (question,) = questions('{"matching": {"x": {"content": "\\udc80", "matches": "a"}}}', Path("x.json"), {})
    (said,) = question.ask(asked)
    # Lone halves of characters, as bytes that are no UTF-8 become, end the other processes of a run.
    assert said.encode("utf-8") == b'matches is "\\udc80"; expected "a"'
