"""What Go finds and what it refuses; each line was asked of Go itself, by files of container-structure-test."""

from __future__ import annotations

import pytest

from pytest_lucid.formats.go_regex import compiled


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a$", "a"),
        (r"a\n$", "a\n"),
        (r"a\n\z", "a\n"),
        ("(?m)a$", "a\nb"),
        ("(?m)^b$", "a\nb"),
        ("x(?i)Y(?-i)z", "xyz"),
        ("((?i)A)b", "ab"),
        ("^(?i)x|A", "a"),
        ("(?i:A)b", "ab"),
        ("(?s)a.b", "a\nb"),
        ("(?ms)^a.^b", "a\nb"),
        ("(?P<x>a)(?<y>b)", "ab"),
        (r"\Qa.b(\Ec", "a.b(c"),
        (r"\Qa.b(", "a.b("),
        ("[[:alpha:]][[:digit:]]", "a1"),
        ("[]a[]+", "][a"),
        ("[a&&b~~||]", "&"),
        ("[+--]", ","),
        ("a{,2}", "a{,2}"),
        ("a{2}", "aa"),
        ("a{2,}?b", "aaab"),
        (r"\x61\x{62}\143", "abc"),
        (r"[\x61]", "a"),
        (r"a\sb", "a\tb"),
        (r"[\S]", "b"),
        (r"\ba\b", "é a é"),
        (r"\w\W", "aé"),
        (r"\:\-\"", ':-"'),
        ("a+?", "aa"),
        ("", "anything"),
        ("{", "{"),
        ("é", "é"),
        ("a#b", "a#b"),
        (r"[^a]", "\n"),
        (r"\pN", None),
    ],
)
def test_what_go_finds_is_found(pattern: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(ValueError, match="Unicode"):
            compiled(pattern)
    else:
        assert compiled(pattern).search(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a$", "a\n"),
        ("^b", "a\nb"),
        ("a.b", "a\nb"),
        ("((?i)A)B", "ab"),
        ("(?i:A)B", "ab"),
        (r"\d", "٣"),
        (r"\w", "é"),
        (r"\s", "\v"),
        (r"[\s]", "\v"),
        (r"\Sx", " x"),
        ("(?m)a.b", "a\nb"),
        ("a{,2}", "a"),
        (r"\Qa.b\E", "axb"),
        (r"\babc\b", "abcd"),
    ],
)
def test_what_go_does_not_find_is_not_found(pattern: str, text: str) -> None:
    assert not compiled(pattern).search(text)


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)", "(?!a)", "(?<=a)", "(?>a)", "(a", "a)", "[a--z]", "a++", "a**", "a{2}{3}", "*a", r"(a)\1", r"\Z", r"\h",
     "\\", "(?P=a)", "(?#a)", "(?L)a", r"[[:none:]]", r"\x{110000}", r"[\b]", "a{2,1}", "(?U)a+", "(?)"],
)  # fmt: skip
def test_what_go_refuses_is_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        compiled(pattern)
