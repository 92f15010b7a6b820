"""Reaching an engine: what is asked first is understood by every engine, and silence leaves nothing behind."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
import requests
from docker.errors import DockerException
from engine_server import INFO, EngineHandler, served

from pytest_lucid.engine.asking import Once
from pytest_lucid.engine.connection import connect, engine_errors
from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an engine at a Unix socket")

VERSION = {"Version": "29.1.0", "ApiVersion": "1.52", "MinAPIVersion": "1.44", "Arch": "arm64"}


class Docker29(EngineHandler):
    """Answers as Docker 29.0 to 29.2 do: versions of the API before 1.44 are refused."""

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class looks for
        old = self.path.startswith("/v") and self.path < "/v1.44/" and self.path != "/version"
        answers: dict[str, Any] = {"/version": VERSION, "/info": INFO}
        found = (
            {"message": "client version 1.40 is too old"} if old else answers.get(self.path.removeprefix("/v1.52"), {})
        )
        self.send_document(400 if old else 200, found)


def test_an_engine_that_refuses_old_versions_of_the_api_is_reached(tmp_path: Path) -> None:
    with served(tmp_path / "docker.sock", Docker29) as url:
        found = connect(url)
        found.demand_life()
        found.close()
    assert (found.version, found.api, found.architecture) == ("29.1.0", (1, 52), "arm64")
    assert (found.defaults.logging, found.defaults.cgroups) == ("local", "1")


def test_a_socket_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    """And no socket is left open, which pytest would report."""
    with pytest.raises(EngineError, match=r"no container engine answers at .*nope \(.*No such file"):
        connect(f"unix://{tmp_path}/nope")


@pytest.mark.parametrize(
    ("raised", "about"),
    [
        (requests.ConnectionError("refused"), "the engine"),
        (requests.ReadTimeout("nothing for 60 s"), "the engine"),
        (requests.exceptions.ChunkedEncodingError("cut off"), ""),
        (DockerException("no"), ""),
    ],
)
def test_silence_of_the_engine_is_one_cause_whatever_was_asked(raised: Exception, about: str) -> None:
    with pytest.raises(EngineError, match="inspecting a: ") as caught, engine_errors("inspecting a"):
        raise raised
    assert caught.value.about == about


def test_an_answer_that_is_asked_for_again_is_about_the_same() -> None:
    def fail() -> None:
        raise EngineError("gone", about="the engine")

    once = Once()
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            once.ask("question", fail)
        assert caught.value.about == "the engine"
