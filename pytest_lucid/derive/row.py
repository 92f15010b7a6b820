"""One container, and the row of the matrix that demands it as it is, or as a file says; nothing is asked here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.inspect.find import COMPOSE_SERVICE, NUMBER, PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.derive.seen import SeenContainer
    from pytest_lucid.inspect.container import Container
    from pytest_lucid.sidecar.runtime import Runtime

# The user of distroless images: what is demanded in place of root.
NONROOT = "65532:65532"
ROOT = frozenset({"", "0", "root", "0:0", "root:root", "0:root", "root:0"})
# What the engine brings along; a stack's own networks have other names.
ENGINE_NETWORKS = frozenset({"bridge", "host", "none"})
# Of what is left out for a compose file.
UNTOLD = "what no compose file tells"
EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - read, not bound


@dataclass(frozen=True)
class Demand:
    """One line of TOML, and what it came from; a demand that does not hold now names the checks to waive, and why."""

    line: str
    source: str
    waived: tuple[str, ...] = ()


def demands(seen: SeenContainer) -> Iterator[Demand]:
    """Yield the demands of one row, those that make sub-tables last."""
    container = seen.container
    yield Demand(
        f"name = {text(container.name)}", seen.source("the name of the container", "its name, and the project's")
    )
    yield from _found(seen)
    yield from _image(seen)
    if seen.ends:
        yield Demand("once = true", seen.source("it ended with 0", "others wait until it has ended with 0"))
    yield from _ports(seen)
    networks = sorted(set(container.networks) - ENGINE_NETWORKS)
    if networks:
        yield Demand(f"networks = {text(networks)}", seen.source("NetworkSettings.Networks", "networks"))
    if seen.needs:
        yield Demand(f"needs = {text(seen.needs)}", seen.source("", "depends_on"))
    yield from _user(seen)
    storage = sorted(path for path, kind in container.mounts.items() if kind == "volume")
    if storage:
        yield Demand(
            f"storage = {text(storage)}", seen.source("the volumes in Mounts", "volumes, and those of the image")
        )
    if left_out := sorted(_left_out(seen, storage)):
        yield Demand(f"without = {text(left_out)}", seen.source("these do not hold, or cannot be seen, here", UNTOLD))
    if container.restarts:
        yield Demand("# it was restarted by the engine", f"RestartCount is {container.restarts}", ("CTR-STABLE",))
    yield from _health(seen)
    yield from _hardening(seen, storage)


def _found(seen: SeenContainer) -> Iterator[Demand]:
    """Find by labels what compose has named itself: another compose may write the name in another way."""
    labels = seen.container.config.get("Labels") or {}
    project, service, number = (str(labels.get(key) or "") for key in (PROJECT, COMPOSE_SERVICE, NUMBER))
    if seen.container.name.replace("_", "-") == f"{project}-{service}-{number}".replace("_", "-"):
        which = "" if number == "1" else f", number = {number}"
        yield Demand(
            f"compose = {{ project = {text(project)}, service = {text(service)}{which} }}",
            seen.source("compose made the name, so its labels find the container", "no container_name"),
        )


def _health(seen: SeenContainer) -> Iterator[Demand]:
    if seen.ends:
        return
    if "health" in seen.unknown:
        yield Demand("# health.check", "whether it has a health check is not known: its image is not on the engine")
    elif seen.container.health == "unchecked":
        yield Demand("health.check = true", seen.source("there is no health check", "no healthcheck"), ("CTR-HEALTHY",))
    else:
        yield Demand("health.check = true", seen.source("State.Health", "healthcheck, or that of the image"))


def _image(seen: SeenContainer) -> Iterator[Demand]:
    reference = str((seen.container.document or {})["Config"]["Image"])
    source = seen.source("Config.Image", "image")
    yield Demand(f"image = {text(reference)}", source)
    tag = reference.rpartition("/")[2].partition("@")[0].partition(":")[2]
    is_loose = "@" not in reference and tag in {"", "latest"}
    waived = ("IMG-PINNED",) if is_loose else ()
    yield Demand("content.pinned = true", f"the tag is {tag or 'not given'}" if is_loose else source, waived)
    if not seen.is_current:
        yield Demand("# another image bears the name now", "Image is not that of the name", ("CTR-IMAGE",))


def _ports(seen: SeenContainer) -> Iterator[Demand]:
    bindings = _bindings(seen.container)
    numbers = [port for port, _, _ in bindings]
    if "ports" in seen.unknown or len(set(numbers)) < len(numbers):
        yield Demand("# ports", seen.source("NetworkSettings.Ports", "ports: no fixed number of the host for each"))
        return
    inside = {(each.protocol, each.port) for each in seen.runtime.listeners} if seen.runtime else set()
    published = {(port.partition("/")[2], int(port.partition("/")[0])) for port in numbers}
    # Published everywhere is written as published on this machine alone, and waived: that is what is to become of it.
    everywhere = any(address in EVERYWHERE for _, address, _ in bindings)
    found = []
    for port, address, host in bindings:
        number, _, protocol = port.partition("/")
        own = "127.0.0.1" if address in EVERYWHERE else address
        own = f"[{own}]" if ":" in own else own
        found.append(f"{own}:{host}:{number}{'' if protocol == 'tcp' else '/udp'}")
    found += [f"{number}{'' if kind == 'tcp' else '/udp'}" for kind, number in sorted(inside - published)]
    source = "NetworkSettings.Ports, and what listens inside" if seen.runtime else "NetworkSettings.Ports"
    source = seen.source(source, "ports")
    if everywhere and not seen.ends:
        yield Demand(f"ports = {text(found)}", f"{source}; published on all addresses", ("CTR-BOUND",))
    else:
        yield Demand(f"ports = {text(found)}", source)


def _bindings(container: Container) -> list[tuple[str, str, str]]:
    ports = (container.document or {})["NetworkSettings"].get("Ports") or {}
    # Of a port on all IPv4 and all IPv6 addresses one is enough.
    found = {
        (port, "" if each["HostIp"] in EVERYWHERE else each["HostIp"], each["HostPort"])
        for port, bound in ports.items()
        for each in bound or ()
    }
    return sorted(found)


def _user(seen: SeenContainer) -> Iterator[Demand]:
    user = seen.container.user
    if "user" in seen.unknown:
        yield Demand("# user", "whom it runs as is not known: its image is not on the engine")
    elif user in ROOT:
        waived = [
            "CTR-USER",
            *(["IMG-USER"] if seen.image_user not in {NONROOT, None} else []),
            *(["RUN-USER"] if seen.runtime else []),
        ]
        yield Demand(f"user = {text(NONROOT)}", seen.source("it was started as root", "it runs as root"), tuple(waived))
    elif _is_numeric(user):
        yield Demand(f"user = {text(user)}", seen.source("Config.User", "user, or that of the image"))


def _left_out(seen: SeenContainer, storage: list[str]) -> Iterator[str]:
    """Yield the checks that the demands above bring along, and that do not hold or cannot be judged."""
    runtime, user = seen.runtime, seen.container.user
    if seen.declared_by:
        yield from _untold(seen, storage)
        return
    if seen.ends:
        return
    if runtime is None:
        yield from ("RUN-*",)
        return
    listening = {(each.protocol, each.port) for each in runtime.listeners}
    published = {(port.partition("/")[2], int(port.partition("/")[0])) for port, _, _ in _bindings(seen.container)}
    if not published <= listening:
        yield "RUN-LISTEN"
    if not listening or not all(each.is_reachable for each in runtime.listeners):
        yield "RUN-LOOPBACK"
    if _is_numeric(user):
        if seen.image_user != user:
            yield "IMG-USER"
        uid, gid = map(int, user.split(":"))
        ids = [({*p.uids}, {*p.gids, *p.groups}) for p in runtime.processes]
        if any(each != ({uid}, {gid}) for each in ids):
            yield "RUN-USER"
    if storage and (user in ROOT or not set(storage) <= set(runtime.writable.paths) or runtime.writable.shared):
        yield "RUN-STORAGE"


def _untold(seen: SeenContainer, storage: list[str]) -> Iterator[str]:
    """Yield what no file says: where it listens besides, who owns its volumes, what a program makes of its user."""
    if seen.container.host["PidMode"] and not seen.ends:
        # A sidecar cannot tell its processes from those of others.
        yield "RUN-*"
        return
    if not seen.ends:
        yield from ("RUN-LISTEN", "RUN-LOOPBACK")
        yield from ("RUN-STORAGE",) if storage else ()
    if (
        "user" not in seen.unknown
        and seen.image_user != seen.container.user
        and (seen.image_user is None or seen.container.user not in ROOT)
    ):
        yield "IMG-USER"
    if not seen.ends and (seen.container.user in ROOT or seen.container.host["GroupAdd"]):
        yield "RUN-USER"


def _hardening(seen: SeenContainer, storage: list[str]) -> Iterator[Demand]:
    container, runtime = seen.container, seen.runtime
    yield Demand(
        "hardening.read_only = true",
        seen.source("HostConfig.ReadonlyRootfs", "read_only")
        if container.read_only
        else "its root file system is writable",
        () if container.read_only else ("CTR-READONLY",),
    )
    limited = container.memory_limit > 0 and container.pids_limit > 0
    yield Demand(
        "hardening.limits = true",
        seen.source("HostConfig.Memory, PidsLimit", "limits of memory and processes")
        if limited
        else "memory or number of processes has no limit",
        () if limited else ("CTR-LIMITS",),
    )
    if tmpfs := sorted(path for path, options in container.tmpfs.items() if options >= {"noexec", "nosuid"}):
        yield Demand(f"hardening.tmpfs = {text(tmpfs)}", seen.source("HostConfig.Tmpfs", "tmpfs"))
    if "ALL" in container.capabilities_dropped and not container.privileged:
        yield Demand(
            f"hardening.capabilities = {text(sorted(container.capabilities_added))}",
            seen.source("HostConfig.CapDrop, CapAdd", "cap_drop, cap_add"),
        )
    if "no-new-privileges" in container.security_options:
        yield Demand("hardening.no_new_privileges = true", seen.source("HostConfig.SecurityOpt", "security_opt"))
    if seen.drift and not seen.drift.changes:
        yield Demand("hardening.unchanged = true", "nothing in its layer differs from the image")
    if runtime is not None:
        yield from _inside(seen, runtime, storage)
    elif seen.declared_by and not seen.ends and not container.host["PidMode"]:
        yield from _declared(seen)


def _declared(seen: SeenContainer) -> Iterator[Demand]:
    """Yield what a compose file promises of the inside."""
    container = seen.container
    shared = container.shared_namespaces
    yield Demand(
        "hardening.own_namespaces = true",
        f"it shares namespaces: {', '.join(sorted(shared))}" if shared else seen.source("", "no namespace of others"),
        ("RUN-NAMESPACES",) if shared else (),
    )
    bound = [each for each in container.document_mounts if each["Type"] != "volume"]
    sockets = sorted(each["Source"] for each in bound if each["Source"].endswith(".sock"))
    if sockets or not bound:
        yield Demand(
            "hardening.no_engine_socket = true",
            f"a socket is mounted: {', '.join(sockets)}"
            if sockets
            else seen.source("", "volumes: nothing of the host"),
            ("RUN-ENGINE-SOCKET",) if sockets else (),
        )
    kept = [each for each in container.document_mounts if each["Type"] != "tmpfs" and each["RW"]]
    if container.read_only and not kept and not seen.unknown & {"user", "volumes"} and _is_numeric(container.user):
        yield Demand("hardening.storage_only = true", seen.source("", "read_only, and no volume that it can write to"))


def _inside(seen: SeenContainer, runtime: Runtime, storage: list[str]) -> Iterator[Demand]:
    if all(process.is_filtered for process in runtime.processes):
        yield Demand("hardening.seccomp = true", "Seccomp in /proc/*/status")
    # The engine starts the health check from outside.
    probe = seen.container.health_command
    own = [each for each in runtime.processes if each.pid == 1 or each.parent or each.argv != probe]
    if {process.pid: process.argv for process in own} == {1: seen.container.argv}:
        yield Demand("hardening.only_command = true", "one process runs inside")
    if {path for path in runtime.writable.paths if not runtime.mount_of(path).is_memory} <= set(storage):
        yield Demand("hardening.storage_only = true", "what it can write to, by mounts and permissions")
    if not seen.container.shared_namespaces and not any(mount.kind == "nsfs" for mount in runtime.mounts):
        yield Demand("hardening.own_namespaces = true", "HostConfig: no namespace of the host")
    user = seen.container.user if _is_numeric(seen.container.user) else NONROOT if seen.container.user in ROOT else ""
    ids = {int(user.partition(":")[0])} if user else set()
    foreign = sorted(path for path, owner in runtime.sockets if owner not in ids)
    yield Demand(
        "hardening.no_engine_socket = true",
        f"sockets of others are mounted: {', '.join(foreign)}" if foreign else "no socket of others is mounted",
        ("RUN-ENGINE-SOCKET",) if foreign else (),
    )


def _is_numeric(user: str) -> bool:
    uid, colon, gid = user.partition(":")
    return bool(colon) and uid.isdecimal() and gid.isdecimal() and user not in ROOT


def text(value: object) -> str:
    """A text, or a list of texts, in TOML: JSON's form of both is also TOML's."""
    return json.dumps(value, ensure_ascii=False)
