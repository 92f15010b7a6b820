from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_lucid.config import toml
from pytest_lucid.matrix.schema import lucid_schema

ROOT = Path(__file__).parents[3]


def problems(text: str) -> list[str]:
    # As an editor sees a TOML file: dates are strings there.
    data: dict[str, Any] = json.loads(json.dumps(toml.loads(text), default=str))
    return [error.message for error in Draft202012Validator(lucid_schema()).iter_errors(data)]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(lucid_schema())


@pytest.mark.parametrize("own", [True, False], ids=["lucid.toml of this tree", "phase2.toml"])
def test_real_files_conform(own: bool) -> None:  # noqa: FBT001 - a parameter of the test
    file = ROOT / "lucid.toml" if own else files("pytest_lucid.matrix") / "phase2.toml"
    text = file.read_text("utf-8")
    assert not problems(text)


@pytest.mark.parametrize(
    "text",
    [
        'extends = "nothing"',
        '[network]\nsubnet = "10.20.0.0/16"',
        '[[service]]\nname = "lucid-data-chain"\nmemory_mib = 128',
    ],
)
def test_a_file_may_say_only_what_differs(text: str) -> None:
    assert not problems(text)


@pytest.mark.parametrize(
    "text",
    [
        'extends = "phase3"',
        "[[service]]\nmemory_mib = 128",
        '[[service]]\nname = "a1"\nmemory = 128',
        '[network]\nsubnets = "10.20.0.0/16"',
        '[[waiver]]\ncheck = "IMG-USER"',
    ],
    ids=[
        "unknown matrix",
        "row without a name",
        "unknown key in a row",
        "unknown key in a table",
        "waiver without end",
    ],
)
def test_mistakes_are_seen(text: str) -> None:
    assert problems(text)
