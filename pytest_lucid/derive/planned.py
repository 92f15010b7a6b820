"""From a compose project to the containers that it stands for, in the engine's words: one for each instance.

What neither the file nor an image on the engine says is unknown, and nothing is demanded of it.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from pytest_lucid.derive.seen import SeenContainer
from pytest_lucid.inspect.container import Container
from pytest_lucid.inspect.find import COMPOSE_SERVICE, NUMBER, PROJECT
from pytest_lucid.inspect.network import NetworkFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_lucid.image.config import Image

    Described = Mapping[str, Any]

COMPLETED = "service_completed_successfully"
# How a health check is switched off, besides `disable`.
OFF: tuple[list[str], ...] = ([], ["NONE"])


def plan(model: Described, image_of: Callable[[str], Image | None]) -> tuple[list[SeenContainer], list[NetworkFacts]]:
    """The containers and networks of `model`, that compose gave; `image_of` asks the engine (None: not there)."""
    services: Described = model["services"]
    ended = {
        need
        for service in services.values()
        for need, how in (service.get("depends_on") or {}).items()
        if how.get("condition") == COMPLETED
    }
    names = {key: _names(model["name"], key, service) for key, service in services.items()}
    networks = model.get("networks") or {}
    planned = [
        SeenContainer(
            container=Container(name, _document(model, service, reference, image, labels)),
            image_user=image.user if image else None,
            declared_by=f"services.{key}",
            unknown=frozenset(_unknown(service, image)),
            ends=key in ended,
            needs=tuple(need for each in sorted(service.get("depends_on") or {}) for need in names.get(each, ())),
        )
        for key, service in services.items()
        for reference in [str(service.get("image") or f"{model['name']}-{key}")]
        for image in [image_of(reference)]
        for number, name in enumerate(names[key], 1)
        for labels in [{PROJECT: model["name"], COMPOSE_SERVICE: key, NUMBER: str(number)}]
    ]
    used = {network for each in planned for network in each.container.networks}
    facts = [_network(each) for each in networks.values() if each["name"] in used]
    return planned, sorted(facts, key=lambda each: each.name)


def _names(project: str, key: str, service: Described) -> list[str]:
    if name := service.get("container_name"):
        return [str(name)]
    replicas = (service.get("deploy") or {}).get("replicas")
    count = int(service.get("scale", 1) if replicas is None else replicas)
    return [f"{project}-{key}-{number}" for number in range(1, count + 1)]


def _document(
    model: Described, service: Described, reference: str, image: Image | None, labels: dict[str, str]
) -> dict[str, Any]:
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    mode = str(service.get("network_mode") or "")
    volumes = [_mount(model, each) for each in service.get("volumes") or ()]
    return {
        "Config": {
            "Image": reference,
            "User": str(service.get("user") or (image.user if image else "")),
            "Labels": labels,
        },
        "HostConfig": {
            "ReadonlyRootfs": service.get("read_only"),
            "Memory": service.get("mem_limit") or limits.get("memory"),
            "PidsLimit": service.get("pids_limit") or limits.get("pids"),
            "Tmpfs": dict(each.partition(":")[::2] for each in service.get("tmpfs") or ()),
            "CapDrop": service.get("cap_drop"),
            "CapAdd": service.get("cap_add"),
            "Privileged": service.get("privileged"),
            "SecurityOpt": [each.replace("=", ":", 1) for each in service.get("security_opt") or ()],
            "NetworkMode": mode.replace("service:", "container:", 1),
            "PidMode": str(service.get("pid") or "").replace("service:", "container:", 1),
            "IpcMode": str(service.get("ipc") or "").replace("service:", "container:", 1),
            "UTSMode": service.get("uts"),
            "UsernsMode": service.get("userns_mode"),
            "GroupAdd": service.get("group_add"),
            "RestartPolicy": {"Name": str(service.get("restart") or "no")},
        },
        "NetworkSettings": {
            "Networks": {} if mode else {model["networks"][key]["name"]: {} for key in service.get("networks") or ()},
            "Ports": _ports(service),
        },
        "State": {"Status": "running", "Running": True, "Health": _health(service, image)},
        "Mounts": [each for each in volumes if each] + _anonymous(image, volumes),
        "RestartCount": 0,
    }


def _mount(model: Described, volume: Described) -> dict[str, Any]:
    named = (model.get("volumes") or {}).get(volume.get("source") or "") or {}
    return {
        "Type": volume["type"],
        "Destination": str(volume["target"]).rstrip("/") or "/",
        "Source": str(volume.get("source") or ""),
        "Name": named.get("name", ""),
        "RW": not volume.get("read_only"),
    }


def _anonymous(image: Image | None, mounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The volumes that the image declares, and the file says nothing of."""
    given = {each["Destination"] for each in mounts}
    return [
        {"Type": "volume", "Destination": path, "Source": "", "Name": "", "RW": True}
        for path in (image.volumes if image else ())
        if path not in given
    ]


def _ports(service: Described) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in service.get("ports") or ():
        binding = {"HostIp": str(port.get("host_ip") or ""), "HostPort": str(port.get("published") or "")}
        found.setdefault(f"{port['target']}/{port.get('protocol') or 'tcp'}", []).append(binding)
    return found


def _health(service: Described, image: Image | None) -> dict[str, str] | None:
    check = service.get("healthcheck")
    if check is None:
        return {"Status": "healthy"} if image and image.health_check else None
    is_off = check.get("disable") or check.get("test") in OFF
    # Timings alone change those of the image's check.
    is_on = check.get("test") or (image and image.health_check)
    return {"Status": "healthy"} if is_on and not is_off else None


def _unknown(service: Described, image: Image | None) -> Iterator[str]:
    if image is None:
        if service.get("user") is None:
            yield "user"
        check = service.get("healthcheck") or {}
        if not check.get("test") and not check.get("disable"):
            yield "health"
        yield "volumes"
    bindings = [binding for each in _ports(service).values() for binding in each]
    if any(not binding["HostPort"].isdecimal() for binding in bindings):
        yield "ports"


def _network(described: Described) -> NetworkFacts:
    pools = (described.get("ipam") or {}).get("config") or []
    subnets = [str(pool["subnet"]) for pool in pools if pool.get("subnet")]
    versions = {ip_network(subnet, strict=False).version for subnet in subnets}
    # The engine chooses what is not given, and what it chooses is no demand.
    is_open = 4 not in versions or (bool(described.get("enable_ipv6")) and 6 not in versions)  # noqa: PLR2004 - of IP
    document: dict[str, Any] = {
        "Driver": described.get("driver") or "bridge",
        "Internal": bool(described.get("internal")),
        "IPAM": {"Config": [{"Subnet": subnet} for subnet in subnets if not is_open]},
    }
    return NetworkFacts(described["name"], None if described.get("external") else document)
