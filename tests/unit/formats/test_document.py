from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.document import Document, read_document


def read(text: str, name: str = "x.yaml") -> Document:
    return read_document(text, Path(name))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 3.10", {"a": "3.10"}),
        ("a: yes", {"a": "yes"}),
        ("a: 0644", {"a": "0644"}),
        ("a: 2026-01-02", {"a": "2026-01-02"}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: ''", {"a": ""}),
        ("a: =", {"a": "="}),
        ("x: &x {a: 1}\ny: {<<: *x, b: 2}", {"x": {"a": "1"}, "y": {"a": "1", "b": "2"}}),
        ("", {}),
        ("# nothing", {}),
    ],
)
def test_a_scalar_of_yaml_stays_what_was_written(text: str, data: dict[str, Any]) -> None:
    assert read(text).data == data


def test_json_keeps_its_types_and_may_have_tabs() -> None:
    assert read('{\t"a": [1, true, "1", null]}', "x.json").data == {"a": [1, True, "1", None]}


def test_a_part_knows_its_line() -> None:
    document = read("a:\n- b: 1\n  c: 2\n-\n  b: 3\n")
    assert document.where(("a", 0, "c")) == "x.yaml:3"
    assert document.where(("a", 1, "b")) == "x.yaml:5"
    # The innermost that is known.
    assert document.where(("a", 0, "none", 7)) == "x.yaml:2"
    assert document.where(("none",)) == "x.yaml"


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("a: [", "x.yaml", "x.yaml:1: not valid YAML"),
        ("a: 1\na: 2", "x.yaml", "x.yaml:2: 'a' is there twice"),
        ("a: {b: 1, b: 2}", "x.yaml", "x.yaml:1: 'b' is there twice"),
        ("- a", "x.yaml", "expected a mapping"),
        ("? [a]\n: b", "x.yaml", "x.yaml:1: expected a name as the key"),
        ("a: !!python/object:os.system x", "x.yaml", "x.yaml:1: not valid YAML"),
        ("a: 1\n---\na: 2", "x.yaml", "not valid YAML"),
        ("a: \x00", "x.yaml", "not valid YAML"),
        ("[" * 5000, "x.yaml", "x.yaml"),
        ("x: &x [*x]", "x.yaml", "x.yaml"),
        ("{", "x.json", "x.json:1: not valid JSON"),
        ('{"a": 1, "a": 2}', "x.json", "'a' is there twice"),
        ("[1]", "x.json", "expected a mapping"),
        ("[" * 100_000, "x.json", "x.json"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, name: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text, name)
    assert said in str(caught.value)


def test_a_few_lines_of_aliases_do_not_become_billions() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ConfigError, match="aliases"):
        read("\n".join(lines))
