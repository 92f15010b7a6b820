"""The matrix as text: a row for each check, a column for each service, one character a cell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_lucid.report.cells import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.report.cells import Cell

# pytest's own letters; they need no special terminal.
LETTERS = {
    Outcome.PASSED: ".",
    Outcome.SKIPPED: "s",
    Outcome.WAIVED: "x",
    Outcome.FAILED: "F",
    Outcome.ERROR: "E",
}
STACK = "the stack or the tree as a whole"


def render_matrix(cells: Sequence[Cell], services: Sequence[str], hosts: Sequence[str] = ()) -> list[str]:
    """The lines of the matrix. Columns are in the order of `services`, the last is for checks of the whole stack.

    With several `hosts` a cell has a letter for each, in their order; one letter where the check needs no host.
    Rows are sorted, so that two runs of the same checks look the same.
    """
    outcomes = {(cell.check, cell.service, cell.host): cell.outcome for cell in cells}
    letters = max(1, len(hosts))
    checks = sorted({cell.check for cell in cells})
    columns = [*services, *([None] if any(cell.service is None for cell in cells) else [])]
    width = max(len(check) for check in checks)
    lines = []
    for index, column in enumerate(columns):
        bars = "│".ljust(letters + 1) * index
        lines.append(f"{'':{width}}  {bars}┌ {column or STACK}")
    for check in checks:
        marks = (_mark(outcomes, check, column, hosts).ljust(letters) for column in columns)
        lines.append(f"{check:{width}}  {' '.join(marks)}".rstrip())
    counts = Counter(outcomes.values())
    legend = ", ".join(f"{counts[o]} {o.name.lower()} ({LETTERS[o]})" for o in Outcome if counts[o])
    each = f" × {len(hosts)} hosts" if letters > 1 else ""
    key = ["", f"The letters of a cell: {', '.join(hosts)}"] if letters > 1 else []
    return [*lines, *key, "", f"{len(checks)} checks × {len(services)} services{each}: {legend}"]


def _mark(
    outcomes: Mapping[tuple[str, str | None, str | None], Outcome],
    check: str,
    service: str | None,
    hosts: Sequence[str],
) -> str:
    hostless = outcomes.get((check, service, None))
    if hostless is not None:
        return LETTERS[hostless]
    found = (outcomes.get((check, service, host)) for host in hosts or _hosts(outcomes))
    return "".join(" " if outcome is None else LETTERS[outcome] for outcome in found)


def _hosts(outcomes: Mapping[tuple[str, str | None, str | None], Outcome]) -> Sequence[str]:
    """The one host of a run for which the user named none."""
    return [*{host for _, _, host in outcomes if host}]


def render_findings(findings: Sequence[tuple[str, str]]) -> list[str]:
    """Count the findings, given as (check, file), by check and by file, the most first."""
    lines = []
    for title, names in (("by check", [check for check, _ in findings]), ("by file", [file for _, file in findings])):
        counts = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
        lines += [title, *(f"{count:6}  {name}" for name, count in counts)]
    return [*lines, f"{len(findings)} findings in {len({file for _, file in findings})} files"]
