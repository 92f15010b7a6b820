"""os.Expand, line by line of its documentation and of its own tests."""

from __future__ import annotations

import pytest

from pytest_lucid.formats.go_expand import expand

VALUES = {"HOME": "/root", "H": "(value of H)", "home_1": "/usr/foo", "*": "all", "$": "PID", "1": "ARG1", "_": "under"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("", ""),
        ("none", "none"),
        ("$HOME", "/root"),
        ("${HOME}x", "/rootx"),
        ("$HOMEx", ""),
        ("$H.x", "(value of H).x"),
        ("$home_1/bin", "/usr/foo/bin"),
        ("$*", "all"),
        ("${*}", "all"),
        ("$$", "PID"),
        ("$12", "ARG12"),
        ("${12}", ""),
        ("$nowhere-", "-"),
        ("a $ b", "a $ b"),
        ("end$", "end$"),
        ("${}", ""),
        ("${", ""),
        ("${HOME", "HOME"),
        ("$%x", "$%x"),
        ("$_", "under"),
        ("$é", "$é"),
    ],
)
def test_references_are_replaced_as_go_replaces_them(text: str, expanded: str) -> None:
    assert expand(text, VALUES) == expanded
