"""Each runtime check fails where its claim is false, and nowhere else; where a probe breaks, it is an error.

All mutants run side by side, each as a service of its own, so that one run of the suite judges them all.
"""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from container_mutants import IMAGE, LABELS, MUTATIONS, NAME, deployed, matrix_of, name_of
from docker.types import IPAMConfig, IPAMPool
from runs import DEADLINE_SECONDS, ROOT, run_command, run_environment

from pytest_lucid import standin
from pytest_lucid.sidecar.sidecar import TOOLBOX

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    import docker

    Verdicts = tuple[str, dict[str, set[str]], dict[str, set[str]]]
    Check = Callable[..., Verdicts]

pytestmark = pytest.mark.engine
SUITE = str(ROOT / "tests" / "infra" / "test_runtime.py")


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def networks(client: docker.DockerClient) -> Iterator[tuple[str, str]]:
    """The network of the matrix, and another one."""
    standin.ensure(client, [IMAGE, TOOLBOX], print)
    made = [
        client.networks.create(name, ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)]), labels=LABELS)
        for name, subnet in ((NAME, "10.231.78.0/24"), (f"{NAME}-other", "10.231.79.0/24"))
    ]
    yield NAME, f"{NAME}-other"
    for network in made:
        network.remove()


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    """Check mutants that run; returns the output and, by mutation, the failed checks and those in error."""
    folder = tmp_path_factory.mktemp("proof")

    def check(mutations: Collection[str], *arguments: str, path: Path = folder) -> Verdicts:
        matrix, junit = folder / "matrix.toml", folder / "junit.xml"
        names = {name_of(mutation): mutation for mutation in mutations}
        matrix.write_text(matrix_of(mutations))
        command = run_command(
            "--lucid-host=local", f"--lucid-matrix={matrix}", f"--junitxml={junit}", SUITE, *arguments
        )
        environment = {**run_environment(), "PYTHONPATH": str(path)}
        output = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=DEADLINE_SECONDS,
        ).stdout
        assert junit.exists(), output
        kinds: dict[str, dict[str, set[str]]] = {
            kind: {m: set() for m in names.values()} for kind in ("failure", "error")
        }
        judged = set()
        for case in ET.parse(junit).getroot().iter("testcase"):  # noqa: S314 - our own file
            ids = [p.get("value", "") for p in case.iter("property") if p.get("name") == "lucid.check"]
            judged.update(ids)
            # A check of the whole stack has no name of a service; none of these is to fail.
            name = case.get("name", "").partition("[")[2].removesuffix("]")
            for child in case:
                if child.tag in kinds:
                    kinds[child.tag][names[name]].update(ids)
        assert len([check for check in judged if check.startswith("RUN-")]) >= 15, output
        return output, kinds["failure"], kinds["error"]

    return check


@pytest.fixture
def healthy(client: docker.DockerClient, networks: tuple[str, str]) -> Iterator[None]:
    """One healthy service."""
    with deployed(client, networks, ["healthy"]):
        yield


@pytest.fixture(scope="module")
def judged(
    client: docker.DockerClient,
    networks: tuple[str, str],
    check: Check,
) -> Verdicts:
    """What one run says of all mutants."""
    with deployed(client, networks, MUTATIONS):
        return check(MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_exactly_the_intended_checks_fail(judged: Verdicts, mutation: str) -> None:
    output, failed, errors = judged
    assert failed[mutation] == MUTATIONS[mutation][2], output
    assert not errors[mutation], output


@pytest.mark.parametrize(
    ("toolbox", "message"),
    [("127.0.0.1:9/nothing:1", "is not on the engine"), (IMAGE, "busybox")],
    ids=["none", "not a toolbox"],
)
def test_without_a_toolbox_every_cell_is_an_error(
    healthy: None, check: Check, tmp_path: Path, toolbox: str, message: str
) -> None:
    del healthy
    (tmp_path / "toolbox.py").write_text(
        "from functools import partialmethod\n"
        "from pytest_lucid.target.sidecar_pool import SidecarPool\n"
        f"SidecarPool.__init__ = partialmethod(SidecarPool.__init__, toolbox={toolbox!r})\n"
    )
    output, failed, errors = check(["healthy"], "-p", "toolbox", path=tmp_path)
    assert message in output
    assert not failed["healthy"], output
    assert errors["healthy"] >= set().union(*(ids for _, _, ids in MUTATIONS.values())) - {"RUN-DRIFT"}, output


def test_a_stopped_container_is_an_error_in_every_cell(
    client: docker.DockerClient, healthy: None, check: Check
) -> None:
    del healthy
    client.containers.get(name_of("healthy")).kill()
    output, failed, errors = check(["healthy"])
    assert f"{name_of('healthy')} is exited; expected it to run" in output
    red = failed["healthy"] | errors["healthy"]
    assert red >= set().union(*(ids for _, _, ids in MUTATIONS.values())) - {"RUN-DRIFT"}, output
