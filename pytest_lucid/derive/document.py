"""The lucid.toml that demands what was seen, with a comment on each demand, and dated waivers of what looks wrong."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pytest_lucid.derive.apart import apart_from
from pytest_lucid.derive.row import ENGINE_NETWORKS, Demand, demands, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_lucid.derive.seen import SeenContainer
    from pytest_lucid.inspect.network import NetworkFacts

WAIVED_DAYS = 90
HEAD = """\
# Made by `python -m pytest_lucid init` from {origin}; each demand says what it came from.
# What is not demanded is not checked: see docs/matrix.md for all that can be. What looked wrong is demanded all the
# same, and waived until a date: fix the cause and delete the waiver, or decide again then.
{hint}# Variables are not written here, since they may be secrets; nor is what the images must not hold: for distroless
# images, extend "distroless" instead of "nothing".
extends = "nothing"
"""
RUNNING = "what ran"
# Only of a compose file.
HINT = "# No file tells what goes on inside; once the stack runs, `init --running --project NAME` demands that, too.\n"


def write_matrix(
    seen: Sequence[SeenContainer], networks: Iterable[NetworkFacts], today: dt.date, origin: str = RUNNING
) -> str:
    """The whole file. `networks` are those that the containers are on; `today` dates the waivers.

    `origin` says what it was made from: what ran, or the names of compose files.
    """
    rows = [(each.container.name, [*demands(each), *_isolation(each, seen)]) for each in seen]
    parts = [HEAD.format(origin=origin, hint="" if origin == RUNNING else HINT)]
    parts += ["\n".join(_network(network)) for network in networks if network.name not in ENGINE_NETWORKS]
    parts += ["\n".join(["[[service]]", *map(_line, row)]) for _, row in rows]
    last = today + dt.timedelta(days=WAIVED_DAYS)
    parts += [_waiver(name, check, each, last) for name, row in rows for each in row for check in each.waived]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _network(network: NetworkFacts) -> Iterator[str]:
    yield "[[networks]]"
    yield _line(Demand(f"name = {text(network.name)}", "its name on the engine"))
    if network.document is None:
        # Somebody else makes it.
        return
    yield _line(Demand(f"driver = {text(network.driver)}", "Driver"))
    by_version: dict[int, list[str]] = {4: [], 6: []}
    for subnet in network.subnets:
        by_version[subnet.version].append(str(subnet))
    # The matrix has one pool of each kind; of a network with more, none is demanded.
    if all(len(pools) <= 1 for pools in by_version.values()):
        for version, key in ((4, "subnet"), (6, "subnet6")):
            yield from (_line(Demand(f"{key} = {text(pool)}", "IPAM.Config")) for pool in by_version[version])
    yield _line(Demand(f"internal = {str(network.is_internal).lower()}", "Internal"))


def _isolation(each: SeenContainer, seen: Sequence[SeenContainer]) -> Iterator[Demand]:
    if others := apart_from(each, seen):
        yield Demand(f"isolated_from = {text(others)}", "no network in common")


def _line(demand: Demand) -> str:
    return f"{demand.line} # {demand.source}"


def _waiver(service: str, check: str, demand: Demand, last: dt.date) -> str:
    return (
        f"[[waiver]]\ncheck = {text(check)}\nservice = {text(service)}\n"
        f"reason = {text(f'It was so when this file was made: {demand.source}.')}\nexpires = {last.isoformat()}"
    )
