"""In the suite, `host` is testinfra's Host for the container of the current service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host


@pytest.fixture
def host(lucid_testinfra: Host) -> Host:
    """Take the place of testinfra's own `host`, which knows no services."""
    return lucid_testinfra
