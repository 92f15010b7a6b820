"""What is asked before the first check is asked once, and its answers, errors included, are those of the facts."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from local_engine import LocalEngine, container, reached

from pytest_lucid.config.settings import read_settings
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.target.need import Need
from pytest_lucid.target.target import Target
from pytest_lucid.target.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_lucid.config.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an engine at a Unix socket")
ROWS = """
extends = "nothing"
[[service]]
name = "one"
image = "one:1"
[[service]]
name = "two"
image = "two:1"
"""
# The list is asked because one of them is not there: for what is like it.
OF_TWO = {f"GET /containers/{path}json": 1 for path in ("one/", "two/", "")}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "lucid.toml"
    file.write_text(ROWS, "utf-8")
    none: Callable[[str], Any] = lambda _: None  # noqa: E731 - as an option that was not given
    found = read_settings(cli=none, environ={}, ini=none, rootdir=tmp_path)
    return replace(found, hosts=(f"unix://{tmp_path}/engine.sock",), matrix=file, no_cache=True)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalEngine]:
    local = LocalEngine({"one": container("one")})
    with reached(local, tmp_path):
        local.requests.clear()
        yield local


@pytest.fixture
def target(settings: Settings, local: LocalEngine) -> Iterator[Target]:
    del local
    workspace = Workspace(settings)
    yield workspace.targets[workspace.hosts[0]]
    workspace.close()


def about(local: LocalEngine, what: str) -> dict[str, int]:
    return {request: count for request, count in local.requests.items() if f"/{what}/" in request}


def test_what_was_prefetched_is_not_asked_again(target: Target, local: LocalEngine) -> None:
    target.prefetch(lambda: {Need.CONTAINER, Need.IMAGE})
    assert about(local, "containers") == OF_TWO
    assert {request.rpartition("/")[0] for request in about(local, "images")} == {
        "GET /images/one:1",
        "GET /images/two:1",
    }
    seen = dict(local.requests)
    assert target.deployment.container("two").document is None
    assert not target.images.image(target._services[1]).exists  # noqa: SLF001 - the second row of the matrix above
    for _ in range(2):
        with pytest.raises(EngineError, match="inspecting container one: the answer is not understood"):
            target.deployment.container("one")
    assert dict(local.requests) == seen


def test_only_what_is_needed_is_asked(target: Target, local: LocalEngine) -> None:
    target.prefetch(lambda: {Need.CONTAINER})
    assert about(local, "containers") == OF_TWO
    assert not about(local, "images")


def test_needs_are_read_once(target: Target, local: LocalEngine) -> None:
    read: list[int] = []

    def needs() -> set[Need]:
        read.append(1)
        return {Need.CONTAINER}

    for _ in range(3):
        target.prefetch(needs)
    assert read == [1]
    assert about(local, "containers") == OF_TWO


def test_the_error_of_a_question_is_that_of_the_check_which_asks(target: Target, local: LocalEngine) -> None:
    local.containers["one"]["HostConfig"]["PidMode"] = "host"
    target.prefetch(lambda: {Need.RUNTIME, Need.CONTAINER})
    asked = dict(local.requests)
    one = target._services[0]  # noqa: SLF001 - the first row of the matrix above
    for _ in range(2):
        with pytest.raises(EngineError, match="one shares the process namespace of the host"):
            target.deployment.inside(one)
    assert dict(local.requests) == asked


def test_an_engine_that_cannot_be_reached_is_tried_once(settings: Settings, tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/nobody.sock"
    workspace = Workspace(replace(settings, hosts=(host,)))
    target = Target(host, workspace.settings, workspace.matrix, workspace.services, Run.new())
    target.prefetch(lambda: set(Need))
    for _ in range(2):
        with pytest.raises(EngineError, match="no container engine answers"):
            _ = target.engine
    target.close()


def test_hosts_that_cannot_be_reached_are_told_together(settings: Settings, tmp_path: Path) -> None:
    hosts = tuple(f"unix://{tmp_path}/{name}.sock" for name in ("a", "b"))
    with pytest.raises(ConfigError, match=r"(?s)a\.sock.*b\.sock"):
        Workspace(replace(settings, hosts=hosts)).demand_hosts()
