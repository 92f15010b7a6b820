from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.document import read_document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42), ("-1", -1), ("0644", 420), ("0o644", 420), ("0x1F", 31), ("0b101", 5), ("08", 8.0), ("1.5", 1.5),
        (".5", 0.5), ("1e3", 1000.0), ("true", True), ("FALSE", False), ("yes", "yes"), ("on", "on"), ("1:30", "1:30"),
        ("1_000", "1_000"), ("2026-01-02", "2026-01-02"), ("1.2.3", "1.2.3"), ("'42'", "42"), ("'true'", "true"),
        ("~", None), ("-", "-"), ("9" * 5000, float("inf")), (".inf", ".inf"),
    ],
)  # fmt: skip
def test_a_scalar_has_the_type_that_go_gives_it(text: str, value: Any) -> None:
    found = read_document(f"a: {text}" if text != "-" else "a: '-'", Path("x.yaml"), typed=True).data["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_key_is_a_name_whatever_it_looks_like() -> None:
    assert read_document("a: {42: 1, true: 2, ~: 3}", Path("x.yaml"), typed=True).data == {
        "a": {"42": 1, "true": 2, "~": 3}
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a:\n  b: !!timestamp 2020-01-01",
            "x.yaml:2: not valid YAML here: !!timestamp; expected texts, numbers,",
        ),
        ("a: !!binary aGk=", "!!binary"),
        ("a: !!set {b}", "!!set"),
        ("a: !own b", "!own"),
        ("a: !!int b", "not valid YAML: invalid literal"),
        ("a: !!bool maybe", "not valid YAML: 'maybe' is not of the type"),
        ("a: {<<: {b: !!binary aGk=}}", "!!binary"),
    ],
)
def test_what_is_no_plain_data_is_one_error(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(text, Path("x.yaml"), typed=True)
    assert said in str(caught.value)


def test_a_key_of_what_is_merged_is_a_name_too() -> None:
    assert read_document("a: {<<: {42: b}, c: d}", Path("x.yaml"), typed=True).data == {"a": {"42": "b", "c": "d"}}


def test_a_number_of_json_that_is_too_long_is_one_error() -> None:
    with pytest.raises(ConfigError, match=r"x\.json: not valid JSON: a number is too long"):
        read_document(f'{{"a": {"9" * 5000}}}', Path("x.json"))
