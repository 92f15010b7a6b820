"""Which engine a name leads to: Docker's contexts, its variables, and a socket's address."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from docker.context import ContextAPI

from pytest_lucid.config.hosts import LOCAL
from pytest_lucid.engine.endpoint import endpoint
from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the addresses are sockets of Unix")

ROOTLESS = "unix:///run/user/1000/docker.sock"


@pytest.fixture(autouse=True)
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The contexts of a user with a rootless engine and a Pi, and none of the variables of Docker."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    ContextAPI.create_context("rootless", host=ROOTLESS)
    ContextAPI.create_context("the-pi", host="ssh://pi@10.0.0.5")
    ContextAPI.create_context("open", host="tcp://10.0.0.5:2375")


def test_a_name_is_first_a_context_and_else_a_machine() -> None:
    assert [endpoint(name).url for name in ("rootless", "the-pi", "elsewhere")] == [
        ROOTLESS,
        "ssh://pi@10.0.0.5:22",
        "ssh://elsewhere",
    ]


def test_this_machine_has_the_engine_of_the_docker_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoint(LOCAL).url == "unix:///var/run/docker.sock"
    (tmp_path / "config.json").write_text('{"currentContext": "rootless"}')
    assert endpoint(LOCAL).url == ROOTLESS
    monkeypatch.setenv("DOCKER_CONTEXT", "the-pi")
    assert endpoint(LOCAL).url == "ssh://pi@10.0.0.5:22"
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere.sock")
    assert endpoint(LOCAL).url == "unix:///elsewhere.sock"


@pytest.mark.parametrize("scheme", ["http", "tcp"])
def test_a_context_over_a_network_without_tls_is_refused(scheme: str, tmp_path: Path) -> None:
    (file,) = (each for each in tmp_path.glob("contexts/meta/*/meta.json") if ":2375" in each.read_text())
    file.write_text(file.read_text().replace("https://", f"{scheme}://"))
    with pytest.raises(ConfigError, match="open would be used without TLS, so anyone on the network could control"):
        endpoint("open")


@pytest.mark.parametrize("document", ["{", "[]", '{"Name": "rootless"}'], ids=["broken", "list", "without an engine"])
def test_a_context_that_cannot_be_read_is_one_error(document: str, tmp_path: Path) -> None:
    (file,) = (each for each in tmp_path.glob("contexts/meta/*/meta.json") if ROOTLESS in each.read_text())
    file.write_text(document)
    with pytest.raises(ConfigError, match="--lucid-host: Docker's settings for rootless cannot be used"):
        endpoint("rootless")


def test_a_current_context_that_is_gone_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": "gone"}')
    with pytest.raises(ConfigError, match=r"Docker's settings for local cannot be used: there is no context gone"):
        endpoint(LOCAL)
