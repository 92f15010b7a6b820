"""Whether the matrix demands what a collected test checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_lucid.plugin.state import row_of, workspace_of

if TYPE_CHECKING:
    import pytest

    from pytest_lucid.config.check import Check

# Fixtures that need an optional key of the matrix → the key.
FIXTURE_DEMANDS = {
    "lucid_dockerfile_path": "dockerfile",
    "lucid_audit": "dockerfile",
    "lucid_consul": "consul",
    "lucid_discovery": "consul",
    "lucid_network": "network",
    "lucid_networks": "network_names",
    "lucid_row_networks": "networks",
    "lucid_names": "networks",
    "lucid_health": "health.path",
    "lucid_health_demand": "health",
    "lucid_content": "content",
    "lucid_vocabulary": "forbidden",
    "lucid_bases": "base",
}


def demanded(item: pytest.Function, check: Check) -> bool:
    """Whether the matrix has every key that the check, or a fixture of the check, demands."""
    from pytest_lucid.matrix.written import is_demanded  # noqa: PLC0415 - not for runs without checks

    row = row_of(item)
    if row is None and "lucid_row" in item.fixturenames:
        return True  # a Dockerfile without a row: nobody says what is demanded of it
    of_fixtures = [key for name, key in FIXTURE_DEMANDS.items() if name in item.fixturenames]
    subjects = (row, workspace_of(item.config).matrix) if row else (workspace_of(item.config).matrix,)
    return is_demanded(check.id, (*of_fixtures, *check.demands), *subjects)
