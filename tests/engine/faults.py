"""A run is hurt in every phase of its life; what it says, how it ends and what it leaves becomes docs/faults.md.

`python tests/engine/faults.py` does all of it, `-k NAME` the faults whose name contains that. A fault that leaves
something behind, or after which the next run is not whole, is a failure of this program.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from fault_bench import Bench, Row
from fault_kinds import (
    ended_engine,
    full_disk,
    full_temporary,
    full_while_reading,
    jumping_clock,
    restarting,
    silent_engine,
    two_runs,
)
from fault_phases import PHASES, SIGNALS, hurt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


OTHERS: dict[str, Callable[[Bench], Iterable[Row]]] = {
    "disk full": full_disk,
    "disk full, sending a build": lambda bench: [full_temporary(bench)],
    "disk full, reading an image": lambda bench: [full_while_reading(bench)],
    "a second run": lambda bench: [two_runs(bench)],
    "an engine that never answers": lambda bench: [silent_engine(bench)],
    "restarts all the time": lambda bench: [restarting(bench)],
    "the clock jumps": lambda bench: [jumping_clock(bench)],
}


def rows(bench: Bench, client: docker.DockerClient, wanted: str, *, engine: bool) -> Iterator[Row]:
    """Every fault whose name contains `wanted`; `engine` says whether the engine itself may be hurt."""
    for name in SIGNALS:
        for phase in PHASES:
            if wanted in f"{name} {phase}":
                yield hurt(bench, client, name, phase)
    for name, find in OTHERS.items():
        if wanted in name:
            yield from find(bench)
    if engine:
        yield ended_engine(bench, again=True)
        yield ended_engine(bench, again=False)


def page(found: list[Row], before: str) -> str:
    """The table in Markdown; rows of `before`, the page as it was, stay where they were not found anew.

    So do the sections behind the table.
    """
    head = (
        "# Faults\n\nMade by `nox -s faults` from real runs: what a run of one small service says, how it ends and "
        "what it leaves, whatever happens to it and whenever. Who is killed, or whose engine is gone, can remove "
        "nothing: the next run does.\n\n"
        "| fault | phase | exit code | last words | left behind | next run |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    lines = {(r.fault, r.phase): [str(r.code), _shown(r), r.left, r.after] for r in found}
    table, mark, rest = before.partition("\n## ")
    for line in table.splitlines():
        if line.startswith("| ") and not line.startswith(("| fault ", "| --- ")):
            fault, phase, *answer = line.removeprefix("| ").removesuffix(" |").split(" | ")
            lines.setdefault((fault, phase), answer)
    faults, phases = list(dict.fromkeys((*SIGNALS, *(fault for fault, _ in lines)))), list(PHASES)

    def place(cell: tuple[str, str]) -> tuple[int, int]:
        return faults.index(cell[0]), phases.index(cell[1]) if cell[1] in phases else len(phases)

    shown = "".join(f"| {' | '.join((*cell, *lines[cell]))} |\n" for cell in sorted(lines, key=place))
    return head + shown + mark + rest


def _shown(row: Row) -> str:
    """The last words of a process that had time for any, whatever this machine calls its folder for temporary files."""
    return (
        " ".join(row.said.replace(tempfile.gettempdir(), "/tmp").split())[:200].replace("|", "\\|")
        if row.code >= 0
        else ""
    )


def main() -> int:
    """Hurt runs; 0 if each fault came out well."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("-k", default="", help="only the faults whose name contains this")
    parser.add_argument("--engine", action="store_true", help="end the engine of this machine, too, and all it runs")
    parser.add_argument("--page", type=Path, help=f"write the table, as {PAGE.name} has it")
    chosen = parser.parse_args()
    client = docker.from_env()
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), client)
        for row in rows(bench, client, chosen.k, engine=chosen.engine):
            found.append(row)
            sys.stdout.write(f"{'well' if row.is_well else 'ILL'}: {row}\n")
            sys.stdout.flush()
            if chosen.page:
                before = chosen.page.read_text("utf-8") if chosen.page.exists() else ""
                chosen.page.write_text(page(found, before), "utf-8")
    return int(not all(row.is_well for row in found))


if __name__ == "__main__":
    sys.exit(main())
