"""What is tested, from what the user names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import local_engine
import pytest
from local_engine import LocalEngine, reached

from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.tested.engine_image import EngineImage
from pytest_lucid.tested.find import UnderTest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an engine at a Unix socket")


@pytest.mark.parametrize("name", ["Podman Engine", "Engine"])
def test_an_image_on_podman_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(local_engine.VERSION, "Components", [{"Name": name}])
    with reached(LocalEngine(), tmp_path) as engine:
        under_test = UnderTest(Run.new(), engine.url)
        if name == "Engine":
            assert under_test.find("test:1").name == "test:1"
        else:
            with pytest.raises(ConfigError, match=r"podman save -o image\.tar test:1"):
                under_test.find("test:1")
        under_test.close()


def test_a_container_needs_a_name() -> None:
    with pytest.raises(ConfigError, match="names no container"):
        UnderTest(Run.new()).find("lucid://")


@pytest.mark.parametrize("name", ["lucid://web?hots=pi.local", "lucid://[web", "lucid://web?host="])
def test_what_cannot_be_meant_is_refused(name: str) -> None:
    # A host that is lost would give verdicts on a container of this machine.
    with pytest.raises(ConfigError, match=r"expected lucid://CONTAINER"):
        UnderTest(Run.new()).find(name)


def test_a_name_that_no_file_can_have_is_that_of_an_image(tmp_path: Path) -> None:
    with reached(LocalEngine(), tmp_path) as engine:
        under_test = UnderTest(Run.new(), engine.url)
        name = f"registry.example/{'a' * 300}:1"
        assert under_test.find(name).name == name
        under_test.close()


def test_one_that_cannot_be_removed_keeps_no_other(tmp_path: Path) -> None:
    closed = []

    def close(self: EngineImage) -> None:
        closed.append(self.name)
        raise EngineError(f"{self.name} stays")

    with reached(LocalEngine(), tmp_path) as engine, pytest.MonkeyPatch.context() as patch:
        under_test = UnderTest(Run.new(), engine.url)
        for name in ("one:1", "two:1"):
            under_test.find(name)
        patch.setattr(EngineImage, "close", close)
        with pytest.raises(EngineError, match="stays"):
            under_test.close()
    assert sorted(closed) == ["one:1", "two:1"]
