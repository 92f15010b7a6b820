"""Whether the matrix demands what a collected test checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.plugin.needs import demands_of
from pytest_lucid.plugin.state import row_of, workspace_of

if TYPE_CHECKING:
    import pytest

    from pytest_lucid.config.check import Check


def demanded(item: pytest.Function, check: Check) -> bool:
    """Whether the matrix has every key that the check, or a fixture of the check, demands."""
    from pytest_lucid.matrix.written import is_demanded  # noqa: PLC0415 - not for runs without checks

    row = row_of(item)
    if row is None and "lucid_row" in item.fixturenames:
        return True  # a Dockerfile without a row: nobody says what is demanded of it
    subjects = (row, workspace_of(item.config).matrix) if row else (workspace_of(item.config).matrix,)
    return is_demanded(check.id, (*demands_of(item), *check.demands), *subjects)
