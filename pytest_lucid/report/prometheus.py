"""A report as a Prometheus text file, for the textfile collector of the node exporter."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pytest_lucid.report.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_lucid.report.model import RunReport


def write(report: RunReport) -> str:
    """Gauges of the run and of every cell."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: RunReport) -> Iterator[str]:
    run = report.run
    info = {"version": run.version, "commit": run.commit, "matrix": run.matrix}
    yield from _gauge("lucid_run_info", "What was run; always 1.", [(info, 1)])
    started = dt.datetime.fromisoformat(run.started).timestamp()
    yield from _gauge("lucid_run_start_timestamp_seconds", "When the run began.", [({}, started)])
    yield from _gauge("lucid_run_duration_seconds", "How long the run took.", [({}, run.seconds)])
    counts = [({"outcome": outcome.value}, report.count(outcome)) for outcome in Outcome]
    yield from _gauge("lucid_cells", "How many cells came out so.", counts)
    yield from _gauge(
        "lucid_cell_red",
        "1 for a cell that failed or could not be judged, 0 for one that is green.",
        (
            (
                {
                    "check": cell.check,
                    "service": cell.service or "",
                    "host": cell.host or "",
                    "severity": cell.severity,
                    "test": cell.test,
                },
                int(cell.outcome.is_red),
            )
            for cell in report.cells
        ),
    )


def _gauge(name: str, text: str, samples: Iterable[tuple[dict[str, str], float]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(each)}"' for label, each in labels.items())
        yield f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
