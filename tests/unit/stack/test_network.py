"""Networks that an engine does not part with: its answers are those that Docker 20.10.24 gave."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from engine_server import INFO, EngineHandler, served

from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run, owner
from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.matrix import Matrix, Network, load_matrix
from pytest_lucid.matrix.swarm import Stack
from pytest_lucid.stack import network as module
from pytest_lucid.stack.network import create_network, is_same
from pytest_lucid.stack.room import demand_room
from pytest_lucid.stack.teardown import remove_leftovers, tear_down

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_lucid.engine.connection import Engine

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an engine at a Unix socket")

VERSION = {"Version": "20.10.24+dfsg1", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Arch": "amd64"}
IDENTITY = "70f4e60e126cb35c2f8e4f38aacdfb0ea15920ade5401b576d24d038b129f055"
NETWORK: dict[str, Any] = {
    "Name": "lucid-dev", "Id": IDENTITY, "Created": "2026-11-28T03:13:18.678888024Z", "Scope": "local",
    "Driver": "bridge", "EnableIPv6": False,
    "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "172.20.0.0/16"}]},
    "Internal": False, "Attachable": False, "Ingress": False, "ConfigFrom": {"Network": ""}, "ConfigOnly": False,
    "Containers": {}, "Options": {}, "Labels": {"lucid.run": "1234", "lucid.owner": owner(), "lucid.keep": "false"},
}  # fmt: skip
STRANGER = {
    "677ea11308ccc8fc89a47d8cf706598cbd974da28db433a0b152d10dbbad3b41": {
        "Name": "stranger", "EndpointID": "49db0888849d358258aab32fbcdcc10d4997e8c3d7fedef8b4af3f3f6bd8f26b",
        "MacAddress": "02:42:ac:18:00:02", "IPv4Address": "172.20.0.2/16", "IPv6Address": "",
    }
}  # fmt: skip
REFUSAL = f"error while removing network: network lucid-dev id {IDENTITY} has active endpoints"
WANTED = Network(name="lucid-dev", driver="bridge", subnet=ip_network("172.20.0.0/16"))


def matrix(network: Network) -> Matrix:
    return load_matrix(None).model_copy(update={"network": network})


class Docker20(EngineHandler):
    """An engine with one volume and one network, which it refuses to remove `refusals` times."""

    refusals: int
    members: dict[str, Any]
    asked: list[str]

    def do_GET(self) -> None:  # noqa: N802 - the name that the base class looks for
        path = urlsplit(self.path).path.removeprefix("/v1.41")
        self.send_document(200, {
            "/version": VERSION, "/info": INFO, "/containers/json": [], "/networks": [NETWORK],
            "/volumes": {"Volumes": [{"Name": "data", "Labels": NETWORK["Labels"]}]},
            f"/networks/{IDENTITY}": {**NETWORK, "Containers": self.members},
        }[path])  # fmt: skip

    def do_DELETE(self) -> None:  # noqa: N802 - the name that the base class looks for
        self.asked.append(f"DELETE {urlsplit(self.path).path.removeprefix('/v1.41')}")
        if "/networks/" in self.path and type(self).refusals:
            type(self).refusals -= 1
            self.send_document(403, {"message": REFUSAL})
        else:
            self.send_document(204, None)

    def do_POST(self) -> None:  # noqa: N802 - the name that the base class looks for
        self.asked.append(f"POST {urlsplit(self.path).path.removeprefix('/v1.41')}")
        self.send_document(500, {"message": "nothing is to be made here"})


@contextmanager
def engine(folder: Path, refusals: int, members: dict[str, Any] | None = None) -> Iterator[tuple[Engine, list[str]]]:
    """An engine, and what it was asked to change."""
    asked: list[str] = []
    handler = type("Handler", (Docker20,), {"refusals": refusals, "members": members or {}, "asked": asked})
    with served(folder / "docker.sock", handler) as url, closing(connect(url)) as found:
        yield found, asked


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMOVAL_SECONDS", 0.1)


def test_an_endpoint_that_is_about_to_go_is_waited_for(tmp_path: Path) -> None:
    said: list[str] = []
    with engine(tmp_path, refusals=3) as (found, asked):
        assert tear_down(found, "1234", said.append)
    assert asked.count(f"DELETE /networks/{IDENTITY}") == 4
    assert not said


@pytest.mark.usefixtures("impatient")
def test_strangers_on_the_network_are_named_and_all_else_is_removed(tmp_path: Path) -> None:
    with engine(tmp_path, 1_000_000, STRANGER) as (found, asked):
        with pytest.raises(EngineError, match=r"no run made are on it: stranger.*disconnect -f lucid-dev str"):
            tear_down(found, "1234")
        assert "DELETE /volumes/data" in asked


@pytest.mark.usefixtures("impatient")
def test_a_network_that_the_engine_miscounts_is_one_line_and_no_error(tmp_path: Path) -> None:
    said: list[str] = []
    with engine(tmp_path, 1_000_000) as (found, asked):
        assert not tear_down(found, "1234", said.append)
        assert "DELETE /volumes/data" in asked
        assert len(said) == 1
        assert "keeps network lucid-dev, on which nobody is" in said[0]
        assert "restart the engine" in said[0]
        remove_leftovers(found, said.append)
    # Nothing was removed, so nothing says so.
    assert said == said[:1] * 2


def test_a_matrix_for_a_swarm_is_not_brought_up_on_one_engine(tmp_path: Path) -> None:
    swarm = matrix(WANTED).model_copy(update={"stack": Stack(engine="swarm")})
    with (
        engine(tmp_path, 0) as (found, _),
        pytest.raises(ConfigError, match="deploy what `python -m pytest_lucid stack`"),
    ):
        demand_room(found, swarm, [])


def test_the_next_bring_up_uses_it_again(tmp_path: Path) -> None:
    with engine(tmp_path, 0) as (found, asked):
        demand_room(found, matrix(WANTED), [])
        create_network(found, WANTED, Run.new())
        assert not asked


@pytest.mark.parametrize(
    ("name", "subnet", "message"),
    [
        ("lucid-dev", "172.21.0.0/16", r"of an earlier run is not as the matrix wants it, and .*: restart the engine"),
        ("other", "172.20.5.0/24", r"overlaps 172.20.0.0/16 of network lucid-dev; the engine has miscounted .*restart"),
    ],
    ids=["other subnet", "other name"],
)
def test_one_that_is_not_the_same_is_an_error_with_a_remedy(
    tmp_path: Path, name: str, subnet: str, message: str
) -> None:
    wanted = Network(name=name, subnet=ip_network(subnet))
    with engine(tmp_path, 0) as (found, _), pytest.raises(ConfigError, match=message):
        demand_room(found, matrix(wanted), [])


@pytest.mark.parametrize(
    "change",
    [
        {"Labels": {"lucid.owner": "somebody@else"}},
        {"Labels": None},
        {"Name": "lucid-development"},
        {"Driver": "macvlan"},
        {"Internal": True},
        {"EnableIPv6": True},
        {"Options": {"com.docker.network.bridge.enable_icc": "false"}},
        {"IPAM": {"Config": [{"Subnet": "172.21.0.0/16"}]}},
        {"IPAM": {"Config": None}},
    ],
    ids=str,
)
def test_only_the_same_is_used_again(change: dict[str, Any]) -> None:
    assert is_same(NETWORK, WANTED)
    assert not is_same({**NETWORK, **change}, WANTED)


def test_where_the_matrix_gives_no_subnet_that_of_the_engine_will_do() -> None:
    assert is_same(NETWORK, Network(name="lucid-dev"))
