"""How a sidecar comes about and goes, over the connection to an engine at a socket of this machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from local_engine import LocalEngine, container, reached

from pytest_lucid.engine.run import Run
from pytest_lucid.errors import EngineError, MissingError
from pytest_lucid.sidecar.sidecar import CAPABILITIES, SIDECAR_LABEL, Sidecar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_lucid.engine.connection import Engine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an engine at a Unix socket")
GONE = {"Running": False, "Status": "exited", "StartedAt": "2026-01-01T00:00:00Z"}


@pytest.fixture
def local() -> LocalEngine:
    return LocalEngine({"box": container("box")})


@pytest.fixture
def engine(local: LocalEngine, tmp_path: Path) -> Iterator[Engine]:
    with reached(local, tmp_path) as engine:
        yield engine


def test_a_sidecar_joins_its_target_and_may_read_only(local: LocalEngine, engine: Engine) -> None:
    sidecar = Sidecar(engine, "box", Run.new())
    identity = sidecar.ensure()
    made = local.containers[sidecar.name]
    assert (made["Id"], made["State"]["Running"]) == (identity, True)
    options = made["HostConfig"]
    assert (options["PidMode"], options["NetworkMode"]) == (f"container:{local.containers['box']['Id']}",) * 2
    assert (options["CapDrop"], options["CapAdd"], options["ReadonlyRootfs"]) == (["ALL"], list(CAPABILITIES), True)
    assert made["Config"]["Labels"][SIDECAR_LABEL] == local.containers["box"]["Id"]
    assert sidecar.is_running(identity)
    sidecar.remove()
    assert not sidecar.is_running(identity)
    sidecar.remove()
    assert list(local.containers) == ["box"]


def test_processes_of_a_run_get_the_same_one(local: LocalEngine, engine: Engine) -> None:
    run = Run.new()
    assert Sidecar(engine, "box", run).ensure() == Sidecar(engine, "box", run).ensure()
    assert len(local.containers) == 2


def test_a_sidecar_that_another_process_has_just_made_is_started(local: LocalEngine, engine: Engine) -> None:
    sidecar = Sidecar(engine, "box", Run.new())
    labels = {SIDECAR_LABEL: local.containers["box"]["Id"]}
    made = container(sidecar.name, State={"Running": False, "Status": "created"}, Config={"Labels": labels})
    local.containers[sidecar.name] = made
    assert sidecar.ensure() == made["Id"]
    assert made["State"]["Running"]


def test_a_name_that_belongs_to_something_else_is_an_error(local: LocalEngine, engine: Engine) -> None:
    sidecar = Sidecar(engine, "box", Run.new())
    local.containers[sidecar.name] = container(sidecar.name)
    with pytest.raises(EngineError, match="belongs to something else; expected the name to be free"):
        sidecar.ensure()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (GONE, "box is exited; expected it to run"),
        ({**GONE, "OOMKilled": True}, "box is exited since it ran out of memory"),
        ({"Running": False, "Status": "created"}, "box is created"),
    ],
)
def test_a_target_that_does_not_run_is_missing(
    local: LocalEngine, engine: Engine, state: dict[str, Any], message: str
) -> None:
    local.containers["box"]["State"] = state
    with pytest.raises(MissingError, match=message):
        Sidecar(engine, "box", Run.new()).ensure()
    assert list(local.containers) == ["box"]


def test_a_target_is_called_by_its_name(local: LocalEngine, engine: Engine) -> None:
    with pytest.raises(MissingError, match="there is no container called nobody"):
        Sidecar(engine, "nobody", Run.new()).ensure()
    with pytest.raises(MissingError, match="is the beginning of the id of box"):
        Sidecar(engine, local.containers["box"]["Id"], Run.new()).ensure()


def test_a_target_that_was_restarted_is_not_what_it_was(local: LocalEngine, engine: Engine) -> None:
    sidecar = Sidecar(engine, "box", Run.new())
    sidecar.ensure()
    sidecar.demand_target()
    local.containers["box"]["State"]["StartedAt"] = "2026-01-01T00:05:00Z"
    with pytest.raises(EngineError, match=r"box was restarted meanwhile \(2026-01-01T00:00:00Z, 2026-01-01T00:05:00Z"):
        sidecar.demand_target()
    local.containers["box"]["State"] = GONE
    with pytest.raises(MissingError, match="box is exited"):
        sidecar.demand_target()


def test_the_toolbox_is_brought_before_the_sidecar_is_made(local: LocalEngine, engine: Engine) -> None:
    seen: list[list[str]] = []
    sidecar = Sidecar(engine, "box", Run.new(), get_toolbox=lambda: seen.append(list(local.containers)))
    sidecar.ensure()
    assert seen == [["box"]]


def test_where_the_target_is_is_known_without_a_sidecar(local: LocalEngine, engine: Engine) -> None:
    sidecar = Sidecar(engine, "box", Run.new())
    assert (sidecar.target_id, sidecar.placement.pid) == (local.containers["box"]["Id"], 7)
    local.containers["box"]["State"] = GONE
    with pytest.raises(MissingError, match="box is exited"):
        _ = Sidecar(engine, "box", Run.new()).placement
