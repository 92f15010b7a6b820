"""`nox -s proof`: plant every defect of the catalogue in the real thing, run the suite, and compare what turns red."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from catalogue import MUTATIONS
from files import judge
from mutation import SERVICES, FileMutation
from stack import say, stack
from stages import STAGES
from suite import Cell, check_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mutation import Mutation
    from stack import Running
    from stages import Stage


def batches(mutations: Sequence[Mutation]) -> Iterator[dict[str, Mutation]]:
    """Group mutations so that each of a group has a service of its own: one run of the suite then judges them all.

    Those with the least choice of services come first, so that those with more fill up their groups.
    """
    waiting = deque(sorted(mutations, key=lambda mutation: (mutation.is_shared, len(mutation.services))))
    while waiting:
        batch: dict[str, Mutation] = {}
        for _ in range(len(waiting)):
            mutation = waiting.popleft()
            free = [service for service in mutation.services if service not in batch]
            alone = mutation.is_shared and batch
            if not free or alone:
                waiting.append(mutation)
                continue
            batch[free[0]] = mutation
            if mutation.is_shared:
                break
        yield batch


def verdicts(
    batch: dict[str, Mutation], red: frozenset[Cell]
) -> Iterator[tuple[str, Mutation, set[str], dict[str, str]]]:
    """For each mutation: its service, the cells that should be red and are not, and what each said that should not be.

    Red cells of the whole stack, and of services without a mutation, are put down to the first of the batch.
    """
    first = next(iter(batch))
    for service, mutation in batch.items():
        expected = {Cell(check, service) for check in mutation.kills}
        expected |= {Cell(check, None) for check in mutation.stack}
        expected |= {Cell(check, each) for check in mutation.everywhere for each in SERVICES}
        expected |= {Cell(check, each) for check in mutation.others for each in SERVICES if each != service}
        found = {cell for cell in red if cell.service == service or (service == first and cell.service not in batch)}
        yield service, mutation, names(expected - found), messages(found - expected)


def names(cells: set[Cell]) -> set[str]:
    """The cells as a reader calls them."""
    return set(messages(cells))


def messages(cells: set[Cell]) -> dict[str, str]:
    """What each cell said, by the name that a reader calls the cell."""
    return {f"{cell.check}[{cell.service or 'stack'}]": cell.said for cell in cells}


def prove(stage: Stage, planned: Sequence[dict[str, Mutation]]) -> tuple[set[str], int, int]:
    """Plant and judge each batch; returns the ids proven, how many were killed, and the number of false alarms."""
    proven: set[str] = set()
    killed = alarms = 0
    for batch in planned:
        started = time.monotonic()
        try:
            stage.plant(batch)
            red = stage.check(batch)
        finally:
            stage.uproot(batch)
        for service, mutation, missed, extra in verdicts(batch, red):
            killed += not missed
            alarms += len(extra)
            if not missed:
                proven |= mutation.proves
            healthy = not mutation.proves
            report(f"{mutation.name} [{service}]", missed, extra, healthy=healthy)
        say(f"  ({len(batch)} in {time.monotonic() - started:.1f} s)")
    return proven, killed, alarms


def prove_files(running: Running, mutations: Sequence[Mutation]) -> tuple[set[str], int, int]:
    """Plant and judge the defects in the files of images; returns the same as `prove`."""
    proven: set[str] = set()
    killed = alarms = 0
    started = time.monotonic()
    red = judge(running.client)
    for mutation in mutations:
        found = red.get(mutation.name, frozenset())
        missed, extra = mutation.kills - found, found - mutation.kills
        killed += not missed
        alarms += len(extra)
        proven |= set() if missed else mutation.kills
        report(mutation.name, set(missed), dict.fromkeys(extra, ""), healthy=not mutation.kills)
    say(f"  ({len(mutations)} in {time.monotonic() - started:.1f} s)")
    return proven, killed, alarms


def report(name: str, missed: set[str], extra: dict[str, str], *, healthy: bool) -> None:
    """Say how one mutation came out."""
    outcome = f"SURVIVED, green: {', '.join(sorted(missed))}" if missed else "green" if healthy else "killed"
    alarm = f"; FALSE ALARMS: {', '.join(sorted(extra))}" if extra else ""
    say(f"  {name}: {outcome}{alarm}")
    for cell, said in sorted(extra.items()):
        if said:
            say(f"    {cell}: {' '.join(said.split())[:400]}")


def main() -> int:
    """Prove the checks; 0 if every mutation is killed, nothing else turns red, and every check is proven."""
    parser = argparse.ArgumentParser(prog="proof", description=__doc__)
    parser.add_argument("-k", default="", help="only the mutations whose name contains this; several with | between")
    parser.add_argument("--kind", default="", help="only the mutations of these kinds, such as Tree,Image")
    parser.add_argument("--part", default="1/1", help="the Nth of M parts of the batches, as N/M")
    chosen = parser.parse_args()
    part, parts = map(int, chosen.part.split("/"))
    everything = [
        mutation
        for mutation in MUTATIONS
        if any(part in mutation.name for part in chosen.k.split("|"))
        and any(kind in type(mutation).__name__ for kind in chosen.kind.split(","))
    ]
    files = [mutation for mutation in everything if isinstance(mutation, FileMutation)]
    # A part is made of whole batches, so that in every part each defect meets the company that it has in the whole.
    groups = [(kind, batch) for kind in STAGES for batch in batches([m for m in everything if type(m) is kind])]
    planned = [group for index, group in enumerate(groups) if index % parts == part - 1]
    mutations = [*files, *(mutation for _, batch in planned for mutation in batch.values())]
    proven: set[str] = set()
    killed = alarms = 0
    with stack() as running:
        if files:
            say(f"FileMutation: {len(files)}")
            running.ensure_up()
            found, hits, wrong = prove_files(running, files)
            proven, killed, alarms = found, hits, wrong
        for kind, make in STAGES.items():
            chosen_batches = [batch for of_kind, batch in planned if of_kind is kind]
            if not chosen_batches:
                continue
            say(f"{kind.__name__}: {sum(map(len, chosen_batches))}")
            with make(running) as stage:
                baseline = stage.check({})
                if baseline:
                    say(f"the healthy stack is red: {', '.join(sorted(names(set(baseline))))}")
                    return 1
                found, hits, wrong = prove(stage, chosen_batches)
            proven |= found
            killed += hits
            alarms += wrong
    checks = check_ids()
    unproven = sorted(checks - proven)
    if unproven:
        say(f"not proven here: {', '.join(unproven)}")
    say(
        f"proof: {killed} of {len(mutations)} mutations killed, {alarms} false alarms, "
        f"{len(checks & proven)} of {len(checks)} checks proven"
    )
    complete = not unproven or len(mutations) < len(MUTATIONS)
    return 0 if killed == len(mutations) and not alarms and complete else 1


if __name__ == "__main__":
    sys.exit(main())
