from __future__ import annotations

import copy
from typing import Any

import pytest

from pytest_lucid.errors import EngineError
from pytest_lucid.inspect.consul import registrations
from pytest_lucid.inspect.documents import ContainerDocument, NetworkDocument, understood

# What Docker 29 answers of a container that asks for nothing, as far as it is read: much is null there.
BARE: dict[str, Any] = {
    "Id": "0" * 64,
    "Name": "/a",
    "Path": "x",
    "Args": [],
    "Image": "sha256:0",
    "RestartCount": 0,
    "State": {"Status": "created", "Running": False, "ExitCode": 0},
    "Config": {"User": "", "Env": None, "Labels": {}},
    "HostConfig": {"CapAdd": None, "CapDrop": None, "Ulimits": None, "Tmpfs": None, "PidsLimit": None, "Memory": 0},
    "NetworkSettings": {"Ports": {"80/tcp": None}, "Networks": {"bridge": {"IPAddress": "", "Aliases": None}}},
    "Mounts": [],
    "Something": "new",
}


def test_what_is_null_or_new_is_understood() -> None:
    assert understood(ContainerDocument, BARE, "inspecting container a") is BARE
    network = {"Name": "n", "Driver": "bridge", "IPAM": {"Config": None}, "Containers": None}
    assert understood(NetworkDocument, network, "inspecting network n") is network


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("State",), None, "State"),
        (("State", "Status"), 7, "State.Status"),
        (("Config", "Env"), "A=1", "Config.Env"),
        (("Mounts",), [{"Type": "bind"}], "Mounts.0.Destination"),
        (("NetworkSettings", "Ports"), {"80/tcp": [{"HostIp": "", "HostPort": "x"}]}, "HostPort"),
        (("HostConfig", "Ulimits"), [{"Name": "nofile"}], "HostConfig.Ulimits.0.Soft"),
    ],
)
def test_another_shape_is_one_error_that_names_the_place(path: tuple[str, ...], value: object, place: str) -> None:
    document = copy.deepcopy(BARE)
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(EngineError, match=rf"inspecting container a: the answer is not understood: .*{place}"):
        understood(ContainerDocument, document, "inspecting container a")


def test_an_answer_that_is_no_document_is_an_error() -> None:
    with pytest.raises(EngineError, match="inspecting network n: the answer is not understood"):
        understood(NetworkDocument, [], "inspecting network n")


def test_an_instance_without_an_address_has_that_of_its_machine() -> None:
    entry = {"Service": {"Address": "", "Port": 80}, "Node": {"Address": "1.2.3.4"}, "Checks": [{"Status": "passing"}]}
    (found,) = registrations([entry], "a")
    assert (found.address, found.port, found.passing) == ("1.2.3.4", 80, True)


@pytest.mark.parametrize("answer", [None, {}, "x", [{}], [{"Service": {"Port": "80"}}], [[]]])
def test_what_consul_does_not_say_is_an_error(answer: object) -> None:
    with pytest.raises(EngineError, match="asking Consul for a: the answer is not understood"):
        registrations(answer, "a")
