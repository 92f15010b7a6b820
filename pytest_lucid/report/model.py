"""A run as its reports tell it: facts of the run, the services, and a cell for each check of each service.

All of it is immutable, can be said in JSON, and is safe to show: secrets are masked, and control characters are shown,
before anything gets here. The types are the schema of `--lucid-json`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Counts up when a reader of the old one could not read the new one.
SCHEMA = 1


class Outcome(str, Enum):
    """How a cell came out, from best to worst.

    `below` is a failure below the threshold of --lucid-fail-on, `known` one that the baseline of --lucid-new-only has,
    `unjudged` one whose reason another red cell tells.
    """

    PASSED = "passed"
    SKIPPED = "skipped"
    WAIVED = "waived"
    BELOW = "below"
    KNOWN = "known"
    UNJUDGED = "unjudged"
    FAILED = "failed"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Its place in that order, from 0."""
        return list(Outcome).index(self)

    @property
    def is_red(self) -> bool:
        """Whether it fails the run."""
        return self in {Outcome.UNJUDGED, Outcome.FAILED, Outcome.ERROR}

    @property
    def words(self) -> str:
        """What people call it."""
        words = {Outcome.BELOW: "below the threshold", Outcome.KNOWN: "known before", Outcome.UNJUDGED: "not judged"}
        return words.get(self, self.value)


@dataclass(frozen=True, order=True)
class Place:
    """Where something was found: a file, relative to the project, its 1-based line, and what was found there.

    `column` is 1-based, in characters; 1 where the whole line is meant.
    """

    file: str
    line: int
    message: str = ""
    column: int = 1

    def __str__(self) -> str:
        """Return the place as editors open it."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class CellRecord:
    """One check of one service on one host, and how it came out.

    `service` is None where the check is about the whole stack, `host` where it needs none. `reason` says why a cell was
    skipped, waived, or below the threshold; `until` is the last day of a waiver (ISO). `seen` is what was found instead
    of the claim; `places` are where, if that is in files; `source` is where the check itself stands. `trace` is the
    whole traceback of a check that broke, `notes` say what could not be judged. `about` names what is wrong where other
    cells may fail for the same reason; that of a check that `decides` tells it, and `cause` of the others is its name.
    `seconds` are those of set-up, check and tear-down together.
    """

    check: str
    severity: str
    claim: str
    remedy: str
    outcome: Outcome
    source: Place
    test: str
    service: str | None = None
    host: str | None = None
    reason: str = ""
    until: str | None = None
    seen: str = ""
    places: tuple[Place, ...] = ()
    trace: str = ""
    notes: tuple[str, ...] = ()
    about: str = ""
    decides: bool = False
    cause: str = ""
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from all other cells of a run, and finds it again in another run; it sorts."""
        return (self.check, self.service or "", self.host or "", self.test)

    @property
    def name(self) -> str:
        """What people call it: its check, and what that was applied to."""
        applied = "@".join(filter(None, (self.service, self.host)))
        return f"{self.check}[{applied}]" if applied else self.check

    @property
    def area(self) -> str:
        """The family of the check: what stands before the first dash of its id."""
        return self.check.partition("-")[0]

    def to_json(self) -> dict[str, Any]:
        """The record in types that JSON has, for the way from an xdist worker."""
        return {**asdict(self), "outcome": self.outcome.value}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> CellRecord:
        """The record that `to_json` made a document of."""
        return cls(
            **{
                **document,
                "outcome": Outcome(document["outcome"]),
                "source": Place(**document["source"]),
                "notes": tuple(document["notes"]),
                "places": tuple(Place(**place) for place in document["places"]),
            }
        )

    def merged(self, other: CellRecord) -> CellRecord:
        """The worse of two phases of one cell, with the time of both."""
        worse = max(self, other, key=lambda record: record.outcome.rank)
        return replace(worse, seconds=self.seconds + other.seconds)


@dataclass(frozen=True)
class Package:
    """A package inside an image: `kind` is `deb` or `pypi`."""

    kind: str
    name: str
    version: str
    licence: str = ""


@dataclass(frozen=True)
class PortRecord:
    """A TCP port: its number inside, on the host (None for an internal one), and what it speaks."""

    number: int
    published: int | None
    scheme: str


@dataclass(frozen=True)
class ServiceRecord:
    """A row of the matrix on one host, and the engine's record of its container at the end of the run.

    What was not asked is empty. `log` and `health_output` are the last lines, oldest first.
    """

    name: str
    image: str
    cluster: str
    dockerfile: str
    ports: tuple[PortRecord, ...] = ()
    needs: tuple[str, ...] = ()
    host: str | None = None
    status: str = ""
    health: str = ""
    address: str = ""
    log: tuple[str, ...] = ()
    health_output: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """What was run, where and with what; times are ISO 8601 and seconds. `engines` are those of the hosts, by name.

    `networks` are names with their address pools; `consul` is the container of the service discovery, if there is one.
    """

    started: str
    seconds: float
    version: str
    python: str
    pytest: str
    platform: str
    commit: str
    matrix: str
    fail_on: str
    networks: tuple[tuple[str, str], ...] = ()
    consul: str = ""
    engines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class RunReport:
    """All that the writers of reports know; cells and services are in an order that does not depend on the run."""

    run: RunRecord
    services: tuple[ServiceRecord, ...]
    cells: tuple[CellRecord, ...]
    schema: int = SCHEMA

    @property
    def red(self) -> tuple[CellRecord, ...]:
        """The cells that fail the run."""
        return tuple(cell for cell in self.cells if cell.outcome.is_red)

    @property
    def root_causes(self) -> tuple[CellRecord, ...]:
        """Those of them that have a reason of their own."""
        return tuple(cell for cell in self.red if not cell.cause)

    def count(self, outcome: Outcome) -> int:
        """How many cells came out so."""
        return sum(cell.outcome is outcome for cell in self.cells)


def merge(records: Iterable[CellRecord]) -> tuple[CellRecord, ...]:
    """One record for each cell from those of its phases, sorted."""
    cells: dict[tuple[str, str, str, str], CellRecord] = {}
    for record in records:
        known = cells.get(record.key)
        cells[record.key] = known.merged(record) if known else record
    return tuple(cells[key] for key in sorted(cells))
