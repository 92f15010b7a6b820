from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

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
