"""Phases 3 and 4 of Lucid, as small stand-ins on the real names: from inside, nobody reaches the payment network."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from docker.types import IPAMConfig, IPAMPool
from foreign import APP, Stack
from runs import ROOT, SUITE

from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

EXAMPLE = ROOT / "docs" / "examples" / "phase4"
MATRIX = load_matrix(EXAMPLE / "lucid.toml")
ISOLATED = "lucid-network-isolated"
PAYMENTS = {row.name for row in MATRIX.service if row.networks == (ISOLATED,)}
OTHERS = {row.name for row in MATRIX.service} - PAYMENTS
LABELS = {"lucid-phase4-test": "1"}
CHECKS = f"{SUITE}/test_network.py"


def example(folder: Path) -> Stack:
    """What runs, and a copy of the example's matrix."""
    shutil.copy(EXAMPLE / "lucid.toml", folder)
    return Stack(EXAMPLE, folder)


def start(client: docker.DockerClient, name: str, network: str) -> None:
    """A stand-in for one row, at its first port."""
    row = next(row for row in MATRIX.service if row.name == name)
    port = (row.ports or ())[0].number
    client.containers.run(APP, ["serve", str(port)], name=name, network=network, labels=LABELS, detach=True)


@pytest.fixture
def phases(client: docker.DockerClient, app: None) -> Iterator[docker.DockerClient]:  # noqa: ARG001 - the image is there
    """Every row on its networks, and a stand-in for Consul, without anything of the services themselves."""
    try:
        for network in MATRIX.all_networks:
            ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=str(each)) for each in network.subnets])
            client.networks.create(network.name, driver="bridge", ipam=ipam, labels=LABELS)
        assert MATRIX.network
        for row in MATRIX.service:
            start(client, row.name, (row.networks or ())[0])
        assert MATRIX.consul
        client.containers.run(
            APP,
            ["serve", "8500"],
            name=MATRIX.consul.container,
            network=MATRIX.network.name,
            labels=LABELS,
            detach=True,
        )
        yield client
    finally:
        for container in client.containers.list(all=True, filters={"label": "lucid-phase4-test"}):
            container.remove(force=True)
        for made in client.networks.list(filters={"label": "lucid-phase4-test"}):
            made.remove()


def test_later_phases_are_rows_on_their_own_names() -> None:
    phases = {phase: {row.name for row in MATRIX.service if row.phase == phase} for phase in (2, 3, 4)}
    assert {phase: len(names) for phase, names in phases.items()} == {2: 6, 3: 10, 4: 7}
    assert not PAYMENTS - phases[4]
    assert {row.isolated_from for row in MATRIX.service if row.name in OTHERS} == {(ISOLATED,)}


def test_the_payment_network_is_unreachable_from_inside_every_other(
    phases: docker.DockerClient, tmp_path: Path
) -> None:
    stack = example(tmp_path)
    found, code, said = stack.check(CHECKS)
    assert (found, code) == ({}, 0), said

    # A second network makes one payment service reachable by all on it, by an address that no name leads to.
    phases.networks.get("lucid-dev").connect("lucid-tron-client")
    found, _, said = stack.check(CHECKS)
    assert {name for name, cells in found.items() if "NET-ISOLATED" in cells} == OTHERS | {"lucid-tron-client"}, said
    assert "lucid-blockchain-engine reaches lucid-tron-client at 172.20." in said


def test_a_neighbour_that_does_not_answer_is_no_proof_of_isolation(phases: docker.DockerClient, tmp_path: Path) -> None:
    phases.containers.get("lucid-tron-client").stop(timeout=0)
    found, _, said = example(tmp_path).check(f"{CHECKS}::test_reaches_nobody_else")
    assert {name for name, cells in found.items() if "NET-ISOLATED" in cells} >= OTHERS, said
    assert "lucid-tron-client is exited" in said
