from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.derive.document import write_matrix
from pytest_lucid.derive.seen import SeenContainer
from pytest_lucid.inspect.container import Container
from pytest_lucid.inspect.drift import Drift
from pytest_lucid.inspect.network import NetworkFacts
from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.matrix import Matrix

TODAY = dt.date(2026, 1, 1)
NETWORK = NetworkFacts(
    "shop",
    {
        "Driver": "bridge",
        "Internal": True,
        "IPAM": {"Config": [{"Subnet": "10.1.0.0/24"}, {"Subnet": "fd00:1::/64"}]},
    },
)


def seen(
    image: str = "shop:1.2", user: str = "1000:1000", host: dict[str, Any] | None = None, **more: Any
) -> SeenContainer:
    document = {
        "Config": {"Image": image, "User": user},
        "HostConfig": {"ReadonlyRootfs": True, "Memory": 1, "PidsLimit": 1, **(host or {})},
        "NetworkSettings": {
            "Networks": {"shop": {}},
            "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "53/udp": None},
        },
        "State": {"Health": {"Status": "healthy"}},
        "Mounts": [{"Destination": "/data", "Type": "volume"}, {"Destination": "/etc/x", "Type": "bind"}],
        "RestartCount": 0,
        **more,
    }
    return SeenContainer(Container("shop-web-1", document), None, Drift(()), user, is_current=True)


def derived(tmp_path: Path, each: SeenContainer) -> Matrix:
    file = tmp_path / "lucid.toml"
    file.write_text(write_matrix([each], [NETWORK], TODAY), "utf-8")
    return load_matrix(file)


def test_what_is_well_is_demanded_as_it_is(tmp_path: Path) -> None:
    matrix = derived(tmp_path, seen(host={"CapDrop": ["ALL"], "CapAdd": ["NET_BIND_SERVICE"]}))
    (row,) = matrix.service
    assert (row.name, row.image, row.user, row.storage) == ("shop-web-1", "shop:1.2", "1000:1000", ("/data",))
    assert [(port.address, port.host, str(port)) for port in row.ports or ()] == [("127.0.0.1", 8080, "80/tcp")]
    assert row.hardening is not None
    assert row.hardening.capabilities == ("NET_BIND_SERVICE",)
    assert matrix.networks_of(row)[0].internal is True
    assert [str(subnet) for subnet in matrix.networks_of(row)[0].subnets] == ["10.1.0.0/24", "fd00:1::/64"]
    assert not matrix.waiver


@pytest.mark.parametrize(
    ("each", "waived"),
    [
        (seen(user=""), {"CTR-USER", "IMG-USER"}),
        (seen(image="shop"), {"IMG-PINNED"}),
        (seen(image="registry:5000/shop"), {"IMG-PINNED"}),
        (seen(image="shop:latest"), {"IMG-PINNED"}),
        (seen(image="shop@sha256:" + "0" * 64), set()),
        (seen(host={"ReadonlyRootfs": False}), {"CTR-READONLY"}),
        (seen(host={"Memory": 0}), {"CTR-LIMITS"}),
        (seen(host={"PidsLimit": None}), {"CTR-LIMITS"}),
        (seen(State={}), {"CTR-HEALTHY"}),
        (seen(RestartCount=2), {"CTR-STABLE"}),
        (
            seen(
                NetworkSettings={
                    "Networks": {},
                    "Ports": {"80/tcp": [{"HostIp": "", "HostPort": "1"}, {"HostIp": "::", "HostPort": "1"}]},
                }
            ),
            {"CTR-BOUND"},
        ),
    ],
)
def test_what_looks_wrong_is_demanded_and_waived_until_a_day(
    tmp_path: Path, each: SeenContainer, waived: set[str]
) -> None:
    matrix = derived(tmp_path, each)
    assert {waiver.check for waiver in matrix.waiver} == waived
    assert {waiver.expires for waiver in matrix.waiver} <= {dt.date(2026, 4, 1)}
    assert {waiver.service for waiver in matrix.waiver} <= {"shop-web-1"}


def test_every_demand_says_what_it_came_from() -> None:
    text = write_matrix([seen()], [NETWORK], TODAY)
    lines = [line for line in text.partition("[[networks]]")[2].splitlines() if " = " in line]
    assert lines
    assert all(" # " in line for line in lines)


def test_what_cannot_be_seen_inside_is_not_demanded(tmp_path: Path) -> None:
    (row,) = derived(tmp_path, seen()).service
    assert "RUN-*" in row.without
    assert row.hardening is not None
    assert row.hardening.seccomp is None
