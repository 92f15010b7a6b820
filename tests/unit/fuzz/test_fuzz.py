"""The first inputs of each target of fuzzing.py; `nox -s fuzz` gives them 100,000."""

from __future__ import annotations

import pytest
from fuzzing import TARGETS, attempt

FEW = 60


@pytest.mark.parametrize("name", TARGETS)
def test_every_input_ends_in_an_answer_or_in_one_clear_error(name: str) -> None:
    for number in range(FEW):
        attempt(name, number)
