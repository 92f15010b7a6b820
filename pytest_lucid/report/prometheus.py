"""A report as a Prometheus text file, for the textfile collector of the node exporter."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_lucid.report.model import CellRecord, RunReport

    Samples = Iterable[tuple[dict[str, str], float]]


class _Families(Collector):
    def __init__(self, families: Iterable[GaugeMetricFamily]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self._families


def write(report: RunReport) -> str:
    """Gauges of the run and of every cell."""
    return text(families(report, report.cells))


def text(families: Iterable[GaugeMetricFamily]) -> str:
    """The exposition format of `families`."""
    registry = CollectorRegistry()
    registry.register(_Families(families))
    return generate_latest(registry).decode()


def families(report: RunReport, cells: Sequence[CellRecord]) -> list[GaugeMetricFamily]:
    """The gauges of the run, and of cells that may be newer than those of the run."""
    run = report.run
    info = {"version": run.version, "commit": run.commit, "matrix": run.matrix}
    started = dt.datetime.fromisoformat(run.started).timestamp()
    counts = {outcome: sum(cell.outcome is outcome for cell in cells) for outcome in Outcome}
    return [
        gauge("lucid_run_info", "What was run; always 1.", [(info, 1)]),
        gauge("lucid_run_start_timestamp_seconds", "When the run began.", [({}, started)]),
        gauge("lucid_run_duration_seconds", "How long the run took.", [({}, run.seconds)]),
        gauge(
            "lucid_cells", "How many cells have each outcome.", [({"outcome": o.value}, n) for o, n in counts.items()]
        ),
        gauge(
            "lucid_cell_red",
            "1 for a cell that failed or could not be judged, 0 for one that is green.",
            [(_labels(cell), int(cell.outcome.is_red)) for cell in cells],
        ),
    ]


def gauge(name: str, documentation: str, samples: Samples) -> GaugeMetricFamily:
    """One family; every sample has the same names of labels."""
    samples = list(samples)
    family = GaugeMetricFamily(name, documentation, labels=list(samples[0][0]) if samples else [])
    for labels, value in samples:
        family.add_metric(list(labels.values()), value)
    return family


def _labels(cell: CellRecord) -> dict[str, str]:
    return {
        "check": cell.check,
        "service": cell.service or "",
        "host": cell.host or "",
        "severity": cell.severity,
        "test": cell.test,
    }
