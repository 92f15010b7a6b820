"""Looking, before anything is built or made, for what would stand in the way. Nothing here changes anything."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.run import OWNER, RUN
from pytest_lucid.errors import ConfigError
from pytest_lucid.stack.network import RESTART, is_own, is_same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Matrix, Service


def demand_room(engine: Engine, matrix: Matrix, services: Sequence[Service]) -> None:
    """Raise one ConfigError that names everything of other owners that blocks bringing `services` up."""
    if matrix.stack:
        raise ConfigError(
            '--lucid-up: the matrix says [stack] engine = "swarm", and a bring-up starts containers on one engine; '
            "deploy what `python -m pytest_lucid stack` prints, or leave [stack] out"
        )
    with engine_errors("looking for what is in the way"):
        containers = engine.client.api.containers(all=True)
        networks = engine.client.api.networks()
        volumes = engine.client.api.volumes()["Volumes"] or []
    problems = [
        *_found_elsewhere(services),
        *_names(
            engine.host,
            containers,
            {*((matrix.consul.container,) if matrix.consul else ()), *(service.name for service in services)},
        ),
        *_networks(networks, matrix),
        *_volumes(volumes, services),
        *_ports(engine, containers, services),
    ]
    if problems:
        raise ConfigError(f"--lucid-up: something is in the way on {engine}:\n  " + "\n  ".join(problems))


def _found_elsewhere(services: Sequence[Service]) -> Iterator[str]:
    for service in services:
        if service.container or service.compose or service.label:
            yield (
                f"the row {service.name} says where the container is that somebody else made (`container`, `compose` "
                "or `label`), and a bring-up calls it by the row's name; leave out the key, or use --lucid-host"
            )


def _names(host: str, containers: list[dict[str, Any]], wanted: set[str]) -> Iterator[str]:
    for container in containers:
        for name in container["Names"]:
            if name.removeprefix("/") in wanted:
                labels = container.get("Labels") or {}
                whose = f"belongs to run {labels[RUN]} of {labels.get(OWNER)}" if RUN in labels else "is not ours"
                yield (
                    f"container {name.removeprefix('/')} exists already (image {container['Image']}, "
                    f"{container['Status']}) and {whose}; remove it, or check it with --lucid-host {host}"
                )


def _networks(networks: list[dict[str, Any]], matrix: Matrix) -> Iterator[str]:
    for network in networks:
        name = network["Name"]
        if any(is_same(network, wanted) for wanted in matrix.all_networks):
            continue
        removal = f"the engine has miscounted what is on it: {RESTART}" if is_own(network) else ""
        if name in (matrix.network_names or ()):
            if removal:
                yield f"network {name} of an earlier run is not as the matrix wants it, and {removal}"
            else:
                yield f"network {name} exists already and is not ours; remove it, or use --lucid-host local"
            continue
        for pool in (network.get("IPAM") or {}).get("Config") or ():
            taken = ip_network(pool["Subnet"], strict=False)
            for wanted in matrix.all_networks:
                for subnet in wanted.subnets:
                    if taken.version == subnet.version and taken.overlaps(subnet):
                        yield (
                            f"subnet {subnet} of {wanted.name} overlaps {taken} of network {name}; "
                            f"{removal or 'remove that network'}, or give [network] another subnet in lucid.toml"
                        )


def _volumes(volumes: list[dict[str, Any]], services: Sequence[Service]) -> Iterator[str]:
    wanted = {volume for service in services for volume in service.volumes}
    for volume in volumes:
        if volume["Name"] in wanted:
            yield f"volume {volume['Name']} exists already and is not ours; remove or rename it"


def _ports(engine: Engine, containers: list[dict[str, Any]], services: Sequence[Service]) -> Iterator[str]:
    publishers = {
        port["PublicPort"]: container["Names"][0].removeprefix("/")
        for container in containers
        for port in container.get("Ports") or ()
        if "PublicPort" in port
    }
    for service in services:
        for port in service.published:
            if port.host in publishers:
                holder = f"container {publishers[port.host]}"
            elif engine.is_local and not _is_free(port.host):
                holder = "another program of this machine"
            else:
                continue
            yield (
                f"port {port.host} of {service.name} is taken by {holder}; "
                "stop it, or give the port another `published` number in lucid.toml"
            )


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except PermissionError:
        # A port below 1024 may be closed to this user and open to the engine.
        return True
    except OSError:
        return False
    return True
