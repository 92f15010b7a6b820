"""Every method of testinfra's modules, asked both ways in one container: right, an error, or not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import testinfra
from module_table import CELLS, ERROR, UNSUPPORTED, Cell
from scene import playing

from pytest_lucid.engine.run import Run
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from pytest_lucid.engine.connection import Engine

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Nothing here brings a stack up, so there is none to take down."""


@pytest.fixture(scope="module")
def hosts(client: docker.DockerClient, engine: Engine) -> Iterator[tuple[Any, Any, Any]]:
    """One container, through testinfra's own backend as its user and as root, and through the sidecar."""
    with playing(client) as scene:
        session = Session(Sidecar(engine, scene.debian, Run.new()))
        own: list[Any] = [testinfra.get_host(f"docker://{user}{scene.debian}") for user in ("", "root@")]
        yield own[0], own[1], host_through(session)
        session.close()
        session.sidecar.remove()


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.method}: {cell.ask[:60]}")
def test_nothing_misleads(hosts: tuple[Any, Any, Any], cell: Cell) -> None:
    as_user, as_root, sidecar = hosts
    verdict, said = cell.judge(as_root if cell.as_root else as_user, sidecar)
    assert verdict == (cell.expected if cell.expected in {ERROR, UNSUPPORTED} else "right"), said
