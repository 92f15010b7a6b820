from __future__ import annotations

import pytest

from pytest_lucid.report.words import compared, said


@pytest.mark.parametrize(
    ("operator", "left", "right", "lines"),
    [
        ("==", "exited", "running", ["found 'exited', expected 'running'"]),
        ("==", {"a": 1, "b": 2}, {"a": 1, "b": 3}, ["found b: 2, expected 3"]),
        ("==", {"a": None}, {"a": "x"}, ["found a: nothing, expected 'x'"]),
        ("==", {}, {"a": "x"}, ["found a: nothing, expected 'x'"]),
        ("==", {"b", "c"}, {"a", "c"}, ["missing: a", "not expected: b"]),
        (">=", frozenset({"x"}), {"noexec", "nosuid"}, ["missing: noexec, nosuid"]),
        ("<=", {"a", "b"}, {"a"}, ["not expected: b"]),
        ("<=", 300, 200, ["found 300, expected at most 200"]),
        (">", 0, 0, ["found 0, expected more than 0"]),
        ("in", None, {"healthy"}, ["nothing is not in healthy"]),
        ("in", "degraded", ["healthy"], ["'degraded' is not in ['healthy']"]),
        ("in", "no-new-privileges", frozenset(), ["missing: 'no-new-privileges'; found nothing"]),
        ("==", None, 200, ["found nothing, expected 200"]),
        ("not in", "sh", {"sh"}, ["found 'sh' in sh"]),
        ("!=", "a", "a", ["found 'a', expected another value"]),
        ("is not", None, None, ["found nothing, expected another value"]),
    ],
)
def test_a_comparison_is_told_in_words(operator: str, left: object, right: object, lines: list[str]) -> None:
    assert compared(operator, left, right) == lines


def test_long_values_are_cut() -> None:
    assert len(compared("==", "x" * 10_000, "y")[0]) < 400
    assert compared("==", {str(at): at for at in range(10)}, {})[-1] == "and 4 more"
    assert compared("==", set(range(10)), set()) == ["not expected: 0, 1, 2, 3, 4, 5 and 4 more"]


@pytest.mark.parametrize(
    ("message", "seen"),
    [
        ("assert found 'a', expected 'b'\n +  where 'a' = Container(name='x').status", "found 'a', expected 'b'"),
        ("no such file\nassert False\n +  where False = is_file()", "no such file"),
        ("status: HTTP 500\nassert 'x' is not in ['y']", "'x' is not in ['y']\nstatus: HTTP 500"),
        ("HTTP 500\nassert found 500, expected 200", "found 500, expected 200\nHTTP 500"),
        ("assert not ['a: b', 'c']", "found a: b, c"),
        ("assert not ['a...", "found ['a..."),
        ("assert False\n +  where False = Container(name='x', document={...}).read_only", "found read_only: False"),
        ("assert None", "found None"),
        ("what it says itself", "what it says itself"),
        ("two\nlines\nassert not {'a'}", "two\nlines"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_an_assertion_says_is_told_without_its_code(message: str, seen: str) -> None:
    assert said(message) == seen
