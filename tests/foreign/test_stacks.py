"""Each stack of strangers: green in two commands without an edit, then one defect after the other, each named."""

from __future__ import annotations

import sys
from itertools import zip_longest
from typing import TYPE_CHECKING

import pytest
from foreign import STACKS, Stack

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

    import docker

Defect = dict[str, str]
# In a service of its own each, so that none hides another.
HIDES = "depends_on: !reset {}"


def rounds(folder: Path) -> list[list[Defect]]:
    """The defects of a stack, in rounds of one for each service."""
    defects: list[Defect] = tomllib.loads((folder / "defects.toml").read_text("utf-8"))["defect"]
    services = dict.fromkeys(defect["service"] for defect in defects)
    columns = [[defect for defect in defects if defect["service"] == service] for service in services]
    return [[defect for defect in row if defect] for row in zip_longest(*columns)]


def override(folder: Path, defects: list[Defect]) -> Path:
    """Write what compose is told for `defects`; nobody waits for what is hurt."""
    lines = ["services:"]
    for defect in defects:
        lines += [f"  {defect['service']}:", f"    {defect['change']}", f"    {HIDES}"]
    hurt = {defect["service"] for defect in defects}
    lines += [
        f"  {service}: {{{HIDES}}}" for service in ("worker", "migrate") if "migrate" in hurt and service not in hurt
    ]
    file = folder / "defects.yaml"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def remove_networks(client: docker.DockerClient, project: str) -> None:
    """Remove those of a compose project; compose leaves what only the override of an earlier `up` used."""
    for network in client.networks.list(filters={"label": f"com.docker.compose.project={project}"}):
        network.remove()


@pytest.mark.parametrize("name", ["ipv6", "jobs", "tiers"])
@pytest.mark.usefixtures("app")
def test_two_commands_give_green_and_each_defect_is_named(
    name: str, tmp_path: Path, client: docker.DockerClient
) -> None:
    stack = Stack(STACKS / name, tmp_path)
    text = stack.init()
    planned = rounds(stack.folder)
    assert sum(map(len, planned)) >= 10
    missed: list[str] = []
    try:
        stack.up()
        found, code, said = stack.check()
        assert (found, code) == ({}, 0), f"{text}\n{said}"
        for defects in planned:
            stack.up(override(tmp_path, defects))
            found, _, said = stack.check()
            for defect in defects:
                cells = found.get(f"foreign-{name}-{defect['service']}-1", set())
                missed += [] if defect["check"] in cells else [f"{defect}: {sorted(cells)}\n{said}"]
            hurt = {f"foreign-{name}-{defect['service']}-{number}" for defect in defects for number in (1, 2)}
            # Who is no longer isolated from one is one from whom that one is no longer isolated.
            red = {service for service, cells in found.items() if cells - {"NET-ISOLATED"}}
            assert red <= {*hurt, "stack"}, said
    finally:
        stack.down()
        remove_networks(client, f"foreign-{name}")
    assert not missed, "\n".join(missed)
