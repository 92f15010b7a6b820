"""From what the engine says of a container to the document by which its copy is created; nothing is asked here."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Document = Mapping[str, Any]

# The engine's document by which a container is created.
Creation = dict[str, Any]
ENGINE_NETWORKS = frozenset({"bridge", "none"})
LOOPBACK = "127.0.0.1"
SHARING = ("PidMode", "IpcMode", "NetworkMode")
# The sockets of engines, and the folders that hold them.
SOCKETS = ("docker.sock", "podman.sock", "containerd.sock")
FOLDERS = frozenset({"/", "/run", "/var", "/var/run"})


@dataclass(frozen=True)
class CopyPlace:
    """Where a copy lives: its volumes and networks (name of the original's → its own), and its labels.

    `port_for` gives the number of the host for a published port, `NUMBER/PROTOCOL HOSTPORT` of the original.
    """

    volumes: Mapping[str, str]
    networks: Mapping[str, str]
    labels: Mapping[str, str]
    port_for: Callable[[str], int]


def creation_of(name: str, document: Document, place: CopyPlace) -> Creation:
    """The document of a copy of the container called `name`, on the first of its networks at `place`.

    It has none of the original's labels, its ports on loopback, and folders of the host read-only. Raises ConfigError
    for a container of which a copy would hurt the original.
    """
    demand_copyable(name, document)
    creation: Creation = deepcopy(dict(document["Config"]))
    settings: dict[str, Any] = deepcopy(dict(document["HostConfig"]))
    if creation.get("Hostname") == document["Id"][:12]:
        creation["Hostname"] = ""
    creation.pop("MacAddress", None)
    kept = [mount for mount in settings.get("Mounts") or () if mount["Type"] == "tmpfs"]
    settings.update(
        Binds=None,
        Links=None,
        VolumesFrom=None,
        ContainerIDFile="",
        AutoRemove=False,
        PublishAllPorts=False,
        Mounts=[*kept, *(_mount(mount, place.volumes) for mount in document["Mounts"] if mount["Type"] != "tmpfs")],
        PortBindings={
            port: [{"HostIp": LOOPBACK, "HostPort": str(place.port_for(f"{port} {bound[0]['HostPort']}"))}]
            for port, bound in (document["NetworkSettings"].get("Ports") or {}).items()
            if bound
        },
    )
    if on := networks_of(document):
        settings["NetworkMode"] = place.networks[on[0]]
        creation["NetworkingConfig"] = {
            "EndpointsConfig": {place.networks[on[0]]: {"Aliases": aliases(name, document, on[0])}}
        }
    return {**creation, "HostConfig": settings, "Labels": dict(place.labels)}


def networks_of(document: Document) -> list[str]:
    """The networks that were made for it, as the engine knows them; those of the engine itself are shared."""
    return sorted(set(document["NetworkSettings"]["Networks"]) - ENGINE_NETWORKS)


def aliases(name: str, document: Document, network: str) -> list[str]:
    """The names by which others find it there, its own included, so that they find the copy by the same."""
    endpoint = document["NetworkSettings"]["Networks"][network]
    known = {name, *(endpoint.get("Aliases") or ()), *(endpoint.get("DNSNames") or ())}
    return sorted(known - {document["Id"][:12]})


def demand_copyable(name: str, document: Document) -> None:
    """Raise ConfigError for a container of which a copy would hurt the original."""
    settings = document["HostConfig"]
    if settings.get("NetworkMode") == "host":
        raise ConfigError(f"prove: {name} is on the network of the host, where a copy would take the same ports")
    for key in SHARING:
        if str(settings.get(key) or "").startswith("container:"):
            raise ConfigError(f"prove: {name} shares a namespace of another container ({key}), which is not copied")
    for mount in document["Mounts"]:
        source = mount.get("Source") or ""
        if mount["Type"] == "bind" and (source in FOLDERS or source.endswith(SOCKETS)):
            raise ConfigError(
                f"prove: {name} can reach the engine's socket ({source} of the host), so a copy could change the stack "
                "itself; it is not copied"
            )


def _mount(mount: Document, volumes: Mapping[str, str]) -> dict[str, Any]:
    is_volume = mount["Type"] == "volume"
    return {
        "Type": mount["Type"],
        "Target": mount["Destination"],
        "Source": volumes[mount["Name"]] if is_volume else mount["Source"],
        # What is the host's is not the copy's to change.
        "ReadOnly": not mount["RW"] or not is_volume,
    }
