"""A few of the faults of faults.py, which `nox -s faults` goes through one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fault_bench import Bench
from fault_phases import hurt

if TYPE_CHECKING:
    from pathlib import Path

    import docker


@pytest.mark.parametrize(("name", "phase"), [("SIGKILL", "certificate"), ("SIGTERM", "tear-down"), ("SIGINT", "wait")])
def test_whatever_happens_the_next_run_is_whole_and_nothing_is_left(
    client: docker.DockerClient, tmp_path: Path, name: str, phase: str
) -> None:
    row = hurt(Bench(tmp_path, client), client, name, phase)
    assert row.is_well, row
