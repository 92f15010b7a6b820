"""The report of a run, from the records of its cells and from what was asked of the engines after the tests."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.content.masking import clean, mask
from pytest_lucid.errors import LucidError
from pytest_lucid.plugin.state import SETTINGS, workspace_of
from pytest_lucid.report.causes import linked
from pytest_lucid.report.model import CellRecord, RunRecord, RunReport, merge
from pytest_lucid.stack.build import provenance

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from pytest_lucid.target.evidence import Evidence


def gathered(
    config: pytest.Config,
    records: Iterable[CellRecord],
    evidence: Evidence | None,
    started: dt.datetime,
    seconds: float,
) -> RunReport:
    """All that is known of a run that began at `started` and has taken so many seconds; no secret of its evidence."""
    cells = linked(merge(records))
    if evidence and evidence.secrets:
        cells = tuple(
            replace(cell, seen=mask(cell.seen, evidence.secrets), trace=mask(cell.trace, evidence.secrets))
            for cell in cells
        )
    return RunReport(_run(config, started, seconds), evidence.services if evidence else (), cells)


def _run(config: pytest.Config, started: dt.datetime, seconds: float) -> RunRecord:
    settings = config.stash[SETTINGS]
    matrix = workspace_of(config).matrix
    return RunRecord(
        started=started.isoformat(timespec="seconds"),
        seconds=seconds,
        version=version("pytest-lucid"),
        python=platform.python_version(),
        pytest=pytest.__version__,
        platform=platform.platform(),
        commit=provenance(settings.project).get("GIT_COMMIT", ""),
        matrix=hashlib.sha256(matrix.model_dump_json().encode()).hexdigest(),
        fail_on=settings.fail_on,
        networks=tuple((network.name, ", ".join(map(str, network.subnets or ()))) for network in matrix.all_networks),
        consul=matrix.consul.container if matrix.consul else "",
        engines=tuple(_engines(config)),
    )


def _engines(config: pytest.Config) -> list[tuple[str, str]]:
    if not config.stash[SETTINGS].wants_engine:
        return []
    workspace = workspace_of(config)
    versions = []
    for host in workspace.hosts:
        try:
            versions.append((host, clean(str(workspace.targets[host].engine))))
        except LucidError as error:
            versions.append((host, clean(str(error))))
    return versions
