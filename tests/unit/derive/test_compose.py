from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.derive import compose_file
from pytest_lucid.derive.compose_file import read_compose
from pytest_lucid.derive.document import write_matrix
from pytest_lucid.derive.planned import COMPLETED, plan
from pytest_lucid.errors import ConfigError
from pytest_lucid.image.config import Image
from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.matrix import Matrix, Service

TODAY = dt.date(2026, 1, 1)
HEALTHY = {
    "image": "app:1",
    "user": "65532:65532",
    "read_only": True,
    "mem_limit": "67108864",
    "pids_limit": 20,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "healthcheck": {"test": ["CMD", "/probe"]},
    "networks": {"net": None},
}
PROBED = {"User": "1000:1000", "Healthcheck": {"Test": ["CMD", "/probe"]}, "Volumes": {"/var/lib/app": {}}}


def matrix(folder: Path, services: dict[str, Any], image: dict[str, Any] | None = None, **more: Any) -> Matrix:
    model = {"name": "shop", "services": services, "networks": {"net": {"name": "shop_net", "ipam": {}}}, **more}
    found = None if image is None else Image("app:1", {"Id": "sha256:0", "Config": image})
    file = folder / "lucid.toml"
    file.write_text(write_matrix(*plan(model, lambda _: found), TODAY, "compose.yaml"), "utf-8")
    return load_matrix(file)


def row(folder: Path, built: dict[str, Any] | None = None, **changes: Any) -> tuple[Service, set[str]]:
    """The row of one service that is HEALTHY but for `changes`, and what is waived of it."""
    found = matrix(folder, {"web": {**HEALTHY, **changes}}, built)
    return found.service[0], {waiver.check for waiver in found.waiver}


def test_files_are_read_as_compose_reads_them(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=1.4\n", "utf-8")
    (tmp_path / "common.yaml").write_text("services: {base: {user: '1:1', read_only: true}}\n", "utf-8")
    (tmp_path / "store.yaml").write_text("services: {store: {image: redis:7}}\n", "utf-8")
    (tmp_path / "compose.yaml").write_text(
        """
name: shop
include: [store.yaml]
x-limits: &limits {mem_limit: 64m, pids_limit: 9}
services:
  web:
    <<: *limits
    extends: {file: common.yaml, service: base}
    image: web:${TAG:?no tag}
    depends_on: [store]
  debug: {image: debug:1, profiles: [debug]}
""",
        "utf-8",
    )
    (tmp_path / "more.yaml").write_text("services: {web: {ports: ['127.0.0.1:8080:80']}}\n", "utf-8")
    files = [tmp_path / "compose.yaml", tmp_path / "more.yaml"]
    model = read_compose(files)
    web = model["services"]["web"]
    assert set(model["services"]) == {"web", "store"}
    assert (web["image"], web["user"], web["read_only"], web["pids_limit"]) == ("web:1.4", "1:1", True, 9)
    assert web["ports"][0]["published"] == "8080"
    assert set(read_compose(files, "other", ["debug"])["services"]) == {"web", "store", "debug"}
    assert read_compose(files, "other")["name"] == "other"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {web: {image: 'web:${TAG:?no tag}'}}\n", "no tag"),
        ("services: {web: {imagine: web}}\n", "imagine"),
        ("services: [", "compose refuses it"),
        ("services: {web: {image: web, profiles: [debug]}}\n", "--profile"),
    ],
)
def test_what_compose_refuses_is_one_error_in_its_words(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said):
        read_compose([file])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"compose.yaml: no such file"):
        read_compose([tmp_path / "compose.yaml"])


def test_without_compose_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_file, "PLUGIN", "no-such-docker")
    monkeypatch.setattr(compose_file, "PROGRAM", "no-such-compose")
    file = tmp_path / "compose.yaml"
    file.touch()
    with pytest.raises(ConfigError, match=r"pytest-lucid\[compose\]"):
        read_compose([file])


def test_what_the_file_says_is_demanded(tmp_path: Path) -> None:
    found, waived = row(
        tmp_path,
        ports=[{"target": 80, "published": "8080", "host_ip": "127.0.0.1", "protocol": "tcp"}],
        volumes=[{"type": "volume", "source": "data", "target": "/data"}],
        tmpfs=["/tmp:noexec,nosuid", "/run"],
    )
    assert (found.name, found.image, found.user, found.storage) == ("shop-web-1", "app:1", "65532:65532", ("/data",))
    assert [(port.address, port.host, str(port)) for port in found.ports or ()] == [("127.0.0.1", 8080, "80/tcp")]
    assert found.networks == ("shop_net",)
    assert found.health
    assert found.health.check
    assert found.hardening
    assert (found.hardening.read_only, found.hardening.limits, found.hardening.capabilities) == (True, True, ())
    assert (found.hardening.tmpfs, found.hardening.no_new_privileges) == (("/tmp",), True)
    assert found.hardening.storage_only is None
    assert not waived


@pytest.mark.parametrize(
    ("changes", "waived"),
    [
        ({"user": "root"}, {"CTR-USER"}),
        ({"image": "app"}, {"IMG-PINNED"}),
        ({"image": None}, {"IMG-PINNED"}),
        ({"read_only": False}, {"CTR-READONLY"}),
        ({"mem_limit": None}, {"CTR-LIMITS"}),
        ({"pids_limit": None, "deploy": {"resources": {"limits": {"memory": "1"}}}}, {"CTR-LIMITS"}),
        ({"healthcheck": {"disable": True}}, {"CTR-HEALTHY"}),
        ({"ports": [{"target": 80, "published": "80"}]}, {"CTR-BOUND"}),
        ({"ipc": "host"}, {"RUN-NAMESPACES"}),
        (
            {"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/var/run/docker.sock"}]},
            {"RUN-ENGINE-SOCKET"},
        ),
    ],
)
def test_what_looks_wrong_is_demanded_and_waived(tmp_path: Path, changes: dict[str, Any], waived: set[str]) -> None:
    assert row(tmp_path, **changes)[1] == waived


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "app"},
        {"image": "app@sha256:" + "0" * 64},
        {"mem_limit": None, "deploy": {"resources": {"limits": {"memory": "1", "pids": 5}}}},
        {"mem_limit": None, "pids_limit": None, "deploy": {"resources": {"limits": {"memory": "1", "pids": 5}}}},
        {"healthcheck": {"interval": "1s"}},
        {"ports": [{"target": 80, "published": "80", "host_ip": "10.0.0.1"}]},
        {"ports": [{"target": 80}]},
        {"volumes": [{"type": "bind", "source": "/etc/app", "target": "/etc/app"}]},
        {"security_opt": ["no-new-privileges=true"]},
    ],
)
def test_what_is_well_or_not_known_is_not_waived(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert not row(tmp_path, **changes)[1]


def test_what_neither_file_nor_image_tells_is_not_demanded(tmp_path: Path) -> None:
    found, waived = row(tmp_path, user=None, healthcheck=None, ports=[{"target": 80}])
    assert (found.user, found.health, found.ports, waived) == (None, None, None, set())


def test_the_image_tells_what_the_file_leaves_out(tmp_path: Path) -> None:
    found, waived = row(tmp_path, PROBED, user=None, healthcheck=None)
    assert (found.user, found.storage, waived) == ("1000:1000", ("/var/lib/app",), set())
    assert found.health
    assert "IMG-USER" not in found.without
    assert row(tmp_path, {}, user=None, healthcheck=None)[1] == {"CTR-USER", "IMG-USER", "CTR-HEALTHY"}


def test_each_instance_has_a_row_and_waits_for_each_that_it_needs(tmp_path: Path) -> None:
    depends = {"depends_on": {"store": {"condition": "service_started"}, "job": {"condition": COMPLETED}}}
    services = {
        "web": {**HEALTHY, **depends},
        "store": {**HEALTHY, "scale": 2},
        "job": {**HEALTHY, "container_name": "the-job"},
        "off": {**HEALTHY, "deploy": {"replicas": 0}},
    }
    rows = {each.name: each for each in matrix(tmp_path, services).service}
    assert set(rows) == {"shop-web-1", "shop-store-1", "shop-store-2", "the-job"}
    assert rows["shop-web-1"].needs == ("the-job", "shop-store-1", "shop-store-2")
    assert [name for name, each in rows.items() if each.once] == ["the-job"]


def test_networks_are_demanded_as_far_as_the_file_says(tmp_path: Path) -> None:
    networks = {
        "net": {"name": "shop_net", "internal": True, "ipam": {"config": [{"subnet": "10.1.0.0/24"}]}},
        "six": {"name": "shop_six", "enable_ipv6": True, "ipam": {"config": [{"subnet": "10.2.0.0/24"}]}},
        "theirs": {"name": "theirs", "external": True},
        "unused": {"name": "unused"},
    }
    used = {**HEALTHY, "networks": {"net": None, "six": None, "theirs": None}}
    found = {each.name: each for each in matrix(tmp_path, {"web": used}, networks=networks).all_networks}
    assert set(found) == {"shop_net", "shop_six", "theirs"}
    assert (str(found["shop_net"].subnet), found["shop_net"].internal) == ("10.1.0.0/24", True)
    # The engine chooses the other pool.
    assert found["shop_six"].subnets == ()
    assert (found["theirs"].driver, found["theirs"].internal) == (None, None)


@pytest.mark.parametrize(
    ("changes", "apart"),
    [
        ({}, ("shop-store-1",)),
        ({"ports": [{"target": 80, "published": "80", "host_ip": "127.0.0.1"}]}, ("shop-store-1",)),
        ({"ports": [{"target": 80, "published": "80", "host_ip": "::1"}]}, ("shop-store-1",)),
        ({"ports": [{"target": 80, "published": "80"}]}, None),
        ({"ports": [{"target": 80, "published": "80", "host_ip": "10.0.0.1"}]}, None),
        ({"networks": {"net": None, "other": None}}, None),
        ({"networks": None, "network_mode": "none"}, None),
    ],
)
def test_without_a_network_in_common_services_are_isolated(
    tmp_path: Path, changes: dict[str, Any], apart: tuple[str, ...] | None
) -> None:
    networks = {key: {"name": f"shop_{key}", "ipam": {}} for key in ("net", "other")}
    services = {"web": HEALTHY, "store": {**HEALTHY, "networks": {"other": None}, **changes}}
    web, _ = matrix(tmp_path, services, networks=networks).service
    assert web.isolated_from == apart
