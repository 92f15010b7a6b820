"""Expansion, case by case as BuildKit does it."""

from __future__ import annotations

import pytest

from pytest_lucid.dockerfile.expansion import expand

_SET = {"X": "foo", "E": "", "P": "/a/b.tar.gz", "_u1": "u", "S": "a b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$X", "foo"),
        ("${X}bar", "foobar"),
        ("$Xbar", ""),
        ("$X.bar", "foo.bar"),
        ("$_u1-$X", "u-foo"),
        ("${X:-d}", "foo"),
        ("${U:-d}", "d"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("${U-d}", "d"),
        ("${U:-${X}y}", "fooy"),
        ("${X:+a}", "a"),
        ("${U:+a}", ""),
        ("${E:+a}", ""),
        ("${E+a}", "a"),
        ("${X:?m}", "foo"),
        (r"\$X", "$X"),
        (r"\${X}", "${X}"),
        ("'$X'", "$X"),
        ('"$X"', "foo"),
        (r'"\$X"', "$X"),
        (r'"a\b"', r"a\b"),
        (r"a\ b", "a b"),
        ('"it\'s"', "it's"),
        ("a$", "a$"),
        ("$ a", "$ a"),
        ("$.", "$."),
        ("$1a", "a"),
        ("${P#*/}", "a/b.tar.gz"),
        ("${P##*/}", "b.tar.gz"),
        ("${P%.*}", "/a/b.tar"),
        ("${P%%.*}", "/a/b"),
        ("${P%nope}", "/a/b.tar.gz"),
        ("${X/o/0}", "f0o"),
        ("${X//o/0}", "f00"),
        ("${X/o*/}", "f"),
        (r"${P//\//_}", "_a_b.tar.gz"),
    ],
)
def test_expands(text: str, expected: str) -> None:
    result = expand(text, _SET)
    assert (result.text, result.error) == (expected, "")


@pytest.mark.parametrize(
    "text",
    ["${X", "${", "${}", "${X:", "${X:?", "${X^^}", "${X:#a}", "'x", '"x', "${X/a", "${X/a/b"],
)
def test_refuses(text: str) -> None:
    result = expand(text, _SET)
    assert result.error
    assert result.text == text


@pytest.mark.parametrize(
    ("text", "unset"),
    [
        ("$U $V $U", ("U", "V")),
        ("${U}", ("U",)),
        ("${U:-d}", ()),
        ("${U:+d}", ()),
        ("$X", ()),
        ("'$U'", ()),
        (r"\$U", ()),
    ],
)
def test_names_what_is_not_set(text: str, unset: tuple[str, ...]) -> None:
    assert expand(text, _SET).unset == unset


@pytest.mark.parametrize(
    ("text", "words"),
    [("a $S c", ("a", "a", "b", "c")), ('"$S" c', ("a b", "c")), ("$E a", ("a",)), (r"a\ b c", ("a b", "c"))],
)
def test_words_are_split_after_expansion(text: str, words: tuple[str, ...]) -> None:
    assert expand(text, _SET).words == words


def test_the_escape_character_of_windows() -> None:
    assert expand(r"C:\dir\`$X", {}, escape="`").text == r"C:\dir\$X"


@pytest.mark.parametrize("text", ["${a:-" * 200, "$X" * 20_000, "${L#*a*a*a*b}"])
def test_bounds(text: str) -> None:
    assert expand(text, {**_SET, "L": "a" * 10_000}).error


@pytest.mark.parametrize("text", ["${U:?must}", "${U?}", "a${U?b}c"])
def test_a_variable_that_is_demanded(text: str) -> None:
    result = expand(text, _SET)
    assert (result.error, result.demanded) == ("", ("U",))
