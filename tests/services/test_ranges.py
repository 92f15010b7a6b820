"""The Range header, by RFC 9110."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lucid_data_chain.ranges import UnsatisfiableError, parse


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-9", (0, 9)),
        ("bytes=5-", (5, 99)),
        ("bytes=-1", (99, 99)),
        ("bytes=-500", (0, 99)),
        ("bytes=90-500", (90, 99)),
        ("BYTES=0-0", (0, 0)),
        # To be ignored: not one byte range.
        ("", None),
        ("bytes=", None),
        ("bytes=9-5", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-9", None),
        ("bytes=a-b", None),
        ("bytes=-", None),
        ("bytes=0-9\n", None),
        ("bytes=\u0660-\u0669", None),
        ("bytes=" + "9" * 5000 + "-", None),
    ],
)
def test_range_of_100_bytes(header: str, expected: tuple[int, int] | None) -> None:
    assert parse(header, 100) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 9), ("bytes=0-0", 0), ("bytes=-5", 0)])
def test_range_without_a_byte_is_unsatisfiable(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableError):
        parse(header, size)


@given(st.text(max_size=30), st.integers(0, 1000))
def test_result_is_always_within_the_content(header: str, size: int) -> None:
    try:
        found = parse(header, size)
    except UnsatisfiableError:
        return
    assert found is None or 0 <= found[0] <= found[1] < size
