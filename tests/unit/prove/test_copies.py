from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

import pytest
from docker.errors import APIError, NotFound

from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.matrix import load_matrix
from pytest_lucid.prove.creation import CopyPlace, creation_of
from pytest_lucid.prove.defect import (
    Defect,
    added_capability,
    bound_elsewhere,
    executable_memory,
    in_memory,
    published_elsewhere,
    security,
    variable,
)
from pytest_lucid.prove.stack_copy import StackCopy

if TYPE_CHECKING:
    from pathlib import Path

ID = "0123456789ab" + "c" * 52
PLACE = CopyPlace(
    volumes={"shop_data": "copy-data"},
    networks={"shop_back": "copy-back", "shop_front": "copy-front"},
    labels={"lucid.run": "1"},
    port_for={"80/tcp 8080": 40001}.__getitem__,
)


def document(**host: Any) -> dict[str, Any]:
    return {
        "Id": ID,
        "Name": "/shop-web-1",
        "Config": {
            "Hostname": ID[:12],
            "Image": "web:1",
            "Env": ["PATH=/bin", "LEVEL=info"],
            "Labels": {"com.docker.compose.project": "shop", "traefik.enable": "true"},
        },
        "HostConfig": {
            "NetworkMode": "shop_back",
            "Binds": ["shop_data:/data"],
            "AutoRemove": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "Tmpfs": {"/tmp": "rw,noexec,nosuid"},
            **host,
        },
        "NetworkSettings": {
            "Networks": {
                "shop_front": {},
                "shop_back": {"Aliases": ["web", ID[:12]], "DNSNames": ["shop-web-1", "web", ID[:12]]},
            },
            "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "81/tcp": None},
        },
        "Mounts": [
            {"Type": "volume", "Name": "shop_data", "Source": "/var/x", "Destination": "/data", "RW": True},
            {"Type": "bind", "Source": "/srv/conf", "Destination": "/conf", "RW": True},
        ],
    }


def made() -> dict[str, Any]:
    return creation_of("shop-web-1", document(), PLACE)


def test_the_copy_has_nothing_that_is_the_original_s() -> None:
    original = document()
    before = deepcopy(original)
    copy = creation_of("shop-web-1", original, PLACE)
    assert original == before
    # Labels lead reverse proxies, and compose itself, to a container.
    assert copy["Labels"] == {"lucid.run": "1"}
    assert copy["Hostname"] == ""
    assert copy["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40001"}]}
    assert copy["HostConfig"]["Binds"] is None
    assert copy["HostConfig"]["Mounts"] == [
        {"Type": "volume", "Target": "/data", "Source": "copy-data", "ReadOnly": False},
        {"Type": "bind", "Target": "/conf", "Source": "/srv/conf", "ReadOnly": True},
    ]
    assert not copy["HostConfig"]["AutoRemove"]


def test_the_copy_is_found_by_the_names_of_the_original() -> None:
    copy = made()
    assert copy["HostConfig"]["NetworkMode"] == "copy-back"
    assert copy["NetworkingConfig"]["EndpointsConfig"] == {"copy-back": {"Aliases": ["shop-web-1", "web"]}}


def test_the_copy_is_as_hardened_as_the_original() -> None:
    kept = ("CapDrop", "SecurityOpt", "Tmpfs")
    assert {key: made()["HostConfig"][key] for key in kept} == {key: document()["HostConfig"][key] for key in kept}


@pytest.mark.parametrize(
    ("host", "told"),
    [({"NetworkMode": "host"}, "on the network of the host"), ({"PidMode": "container:1"}, "shares a namespace")],
)
def test_what_a_copy_would_hurt_is_not_copied(host: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=f"prove: shop-web-1 .*{told}"):
        creation_of("shop-web-1", document(**host), PLACE)


@pytest.mark.parametrize("source", ["/var/run/docker.sock", "/run/user/1000/podman/podman.sock", "/var/run", "/"])
def test_nobody_who_holds_the_engine_is_copied(source: str) -> None:
    # A bind mount that is read-only lets everything through that is sent to a socket.
    original = document()
    original["Mounts"] += [{"Type": "bind", "Source": source, "Destination": "/x", "RW": False}]
    with pytest.raises(ConfigError, match=rf"prove: shop-web-1 can reach the engine's socket \({source} of the host\)"):
        creation_of("shop-web-1", original, PLACE)


class Engine:
    """What is asked of an engine while a copy goes; `complaint` is its answer to the removal of an image."""

    def __init__(self, complaint: Exception | None = None) -> None:
        self.removed: list[tuple[str, dict[str, Any]]] = []
        self.complaint = complaint
        self.commits = 0
        self.api = self
        self.client = self

    def inspect_container(self, name: str) -> dict[str, Any]:
        return {**document(), "Name": f"/{name}", "State": {"Status": "running"}}

    def commit(self, *_: Any, **__: Any) -> dict[str, str]:
        self.commits += 1
        return {"Id": f"sha256:{self.commits}"}

    def create_container_from_config(self, *_: Any, **__: Any) -> None:
        """Make nothing."""

    start = connect_container_to_network = create_container_from_config

    def remove_container(self, name: str, **options: Any) -> None:
        self.removed.append((name, options))

    def remove_image(self, name: str, **options: Any) -> None:
        self.removed.append((name, options))
        if self.complaint:
            raise self.complaint

    def volumes(self, **_: Any) -> dict[str, Any]:
        return {"Volumes": None}

    def containers(self, **_: Any) -> list[Any]:
        return []

    networks = containers


def copy_on(engine: Engine, tmp_path: Path) -> StackCopy:
    file = tmp_path / "lucid.toml"
    rows = "".join(f'[[service]]\nname = "{name}"\nimage = "{name}:1"\n' for name in ("web", "db"))
    file.write_text(f'extends = "nothing"\n{rows}', "utf-8")
    return StackCopy(cast("Any", engine), load_matrix(file), Run.new())


def test_a_volume_that_a_defect_brought_goes_with_its_container(tmp_path: Path) -> None:
    engine = Engine()
    copy = copy_on(engine, tmp_path)
    copy.replace({"web": None})
    # Memory in place of a volume that the image declares lets the engine make one without a name.
    assert (copy.names["web"], {"force": True, "v": True}) in engine.removed


@pytest.mark.parametrize(
    ("complaint", "told"), [(NotFound("gone"), None), (APIError("in use"), "removing an image of the copy")]
)
def test_every_image_of_a_copy_is_removed(complaint: Exception, told: str | None, tmp_path: Path) -> None:
    engine = Engine(complaint)
    copy = copy_on(engine, tmp_path)
    copy.replace({name: Defect("image", "another", frozenset({"X"}), of_other_image=True) for name in ("web", "db")})
    if told:
        with pytest.raises(EngineError, match=told):
            copy.remove()
    else:
        copy.remove()
    assert [name for name, _ in engine.removed if name.startswith("sha256")] == ["sha256:1", "sha256:2"]


def test_a_defect_changes_one_thing() -> None:
    healthy = made()
    for change, place, expected in (
        (variable("LEVEL", "debug"), ("Env",), ["PATH=/bin", "LEVEL=debug"]),
        (added_capability("SYS_TIME"), ("HostConfig", "CapAdd"), ["SYS_TIME"]),
        (security(drop="no-new-privileges"), ("HostConfig", "SecurityOpt"), []),
        (
            security(drop="seccomp", add="seccomp=unconfined"),
            ("HostConfig", "SecurityOpt"),
            ["no-new-privileges:true", "seccomp=unconfined"],
        ),
        (executable_memory("/tmp"), ("HostConfig", "Tmpfs"), {"/tmp": "rw,exec,nosuid"}),
        (
            bound_elsewhere,
            ("HostConfig", "PortBindings"),
            {"80/tcp": [{"HostIp": "127.0.0.2", "HostPort": "40001"}]},
        ),
    ):
        changed = made()
        change(changed)
        value: Any = changed
        for key in place:
            value = value[key]
        assert value == expected
        assert {k: v for k, v in changed.items() if k != place[0]} == {
            k: v for k, v in healthy.items() if k != place[0]
        }


def test_a_volume_gives_way_to_memory() -> None:
    changed = made()
    in_memory("/data")(changed)
    assert [mount["Target"] for mount in changed["HostConfig"]["Mounts"]] == ["/conf"]
    assert changed["HostConfig"]["Tmpfs"]["/data"] == "rw,mode=1777"


def test_ports_are_published_on_loopback_whatever_the_defect() -> None:
    with_ports, without = made(), made()
    without["HostConfig"]["PortBindings"] = {}
    for creation in (with_ports, without):
        published_elsewhere(creation)
        bound = [each for all_of in creation["HostConfig"]["PortBindings"].values() for each in all_of]
        assert [(each["HostIp"], each.get("HostPort", "")) for each in bound] == [("127.0.0.1", "")]
