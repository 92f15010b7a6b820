"""How a container was created: the settings beyond what the image and the matrix give.

What other checks already judge (user, ports, network, capabilities, limits, namespaces) is not judged here again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_lucid.image.config import health_check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_lucid.content.forbidden import Vocabulary
    from pytest_lucid.engine.connection import Defaults
    from pytest_lucid.image.config import Image
    from pytest_lucid.inspect.container import Container
    from pytest_lucid.inspect.volumes import Volume
    from pytest_lucid.matrix import Matrix, Service

# Kept on the host, where `docker logs` or the journal shows them; any other driver sends them somewhere.
LOGS_ON_HOST = frozenset({"json-file", "local", "journald"})
# The paths that every engine since Docker 18 masks, and makes read-only, in a container that asks for nothing.
MASKED = frozenset(
    {"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/sys/firmware"}
)
READ_ONLY = frozenset({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"})
# What a container that asks for nothing does not have: key of the engine's document → what to call it.
ABSENT = {
    "Annotations": "annotations for the runtime",
    "CgroupParent": "another parent control group",
    "CpuRealtimeRuntime": "real-time scheduling",
    "DeviceCgroupRules": "rules for devices",
    "DeviceRequests": "requests for devices",
    "Devices": "devices",
    "GroupAdd": "further groups",
    "OomKillDisable": "the OOM killer switched off",
    "StorageOpt": "storage options",
    "Sysctls": "kernel parameters",
}
RESOLVING = {
    "Dns": "DNS servers",
    "DnsOptions": "options of the resolver",
    "DnsSearch": "search domains",
    "ExtraHosts": "entries in /etc/hosts",
    "Links": "links",
}


def program_differences(container: Container, image: Image) -> list[str]:
    """How the program, its directory or its stop signal differs from the image's."""
    compared: list[tuple[str, object, object]] = [
        ("the program", container.argv, image.argv),
        ("the working directory", container.workdir, image.workdir),
        ("the stop signal", container.stop_signal, image.stop_signal),
    ]
    return [
        f"{what} is {_shown(is_)}; the image gives {_shown(given)}" for what, is_, given in compared if is_ != given
    ]


def probe_differences(container: Container, image: Image) -> list[str]:
    """How the health check differs from the image's. It may ask more often than that, and start later."""
    probe, given = health_check(container.config), image.health_check
    if probe is None:
        return ["there is no health check; the image gives one"] if given else []
    if given is None:
        return [f"it runs {_shown(probe.test)}; the image gives no health check"]
    found = []
    if probe.test != given.test:
        found.append(f"it runs {_shown(probe.test)}; the image gives {_shown(given.test)}")
    if probe.interval > given.interval:
        found.append(f"it asks every {probe.interval:g} s; the image gives {given.interval:g} s")
    if probe.timeout != given.timeout:
        found.append(f"it waits {probe.timeout:g} s for an answer; the image gives {given.timeout:g} s")
    if probe.retries != given.retries:
        found.append(f"it fails after {probe.retries} tries; the image gives {given.retries}")
    return found


def variable_differences(container: Container, image: Image, service: Service, forbidden: Vocabulary) -> dict[str, str]:
    """The variables that neither image nor matrix gives: name → how, without the value, which may be a secret."""
    given = {**image.environment, **(service.variables or {})}
    found = {}
    for name, value in container.environment.items():
        if name in service.secrets or value in (given.get(name), image.environment.get(name)):
            continue
        if (
            service.knows_payment_url
            and forbidden.variables({name: value})
            and not forbidden.variables({name: value}, knows_url=True)
        ):
            continue
        found[name] = (
            "has another value than image or matrix give" if name in given else "is given by neither image nor matrix"
        )
    return found


def mount_differences(
    containers: Sequence[Container],
    container: Container,
    service: Service,
    volumes: Mapping[str, Volume],
) -> list[str]:
    """The mounts that the matrix does not give, volumes that are no plain ones, and those that another has too."""
    found = []
    storage = service.storage or ()
    places = {*storage, service.certificate}
    forgotten = (service.hardening and service.hardening.tmpfs) or ()
    memory = {*forgotten, *((service.content and service.content.writable) or ()), *storage}
    for mount in container.document_mounts:
        path, kind, name = mount["Destination"], mount["Type"], mount.get("Name", "")
        if path not in (memory if kind == "tmpfs" else places):
            found.append(f"{path}: {kind} {name or mount.get('Source') or ''}".strip())
        elif name in volumes and volumes[name].is_special:
            found.append(f"{path}: volume {name} is {volumes[name]}")
    found += [f"{path}: tmpfs" for path in container.tmpfs if path not in memory]
    # The matrix names this storage for this service; another service that mounts it fails in its own cell.
    names = {mount["Name"] for mount in container.document_mounts if mount.get("Name")} - service.volumes.keys()
    for other in containers:
        if other.document is not None and other.name != container.name:
            shared = names & {mount.get("Name") for mount in other.document_mounts}
            found += [f"volume {name} is mounted by {other.name}, too" for name in sorted(shared)]
    return found


def resolver_differences(container: Container, matrix: Matrix) -> list[str]:
    """Settings about names: servers, hosts, links, and a host name that belongs to another service."""
    found = [f"{what}: {_shown(container.host[key])}" for key, what in RESOLVING.items() if container.host.get(key)]
    names = {container.hostname, f"{container.hostname}.{container.domain}"}
    found += [f"its own name is {name}" for name in sorted(names & ({*matrix.names} - {container.name}))]
    return found


@dataclass(frozen=True)
class Setting:
    """A setting whose default is not nothing: its key, what to call it, and when it is as the engine gives it."""

    key: str
    name: str
    is_given: Callable[[Any, Defaults], bool]
    expected: str


SETTINGS = (
    Setting("CgroupnsMode", "control group namespace", lambda v, d: v != "host" or d.cgroups == "1", "its own"),
    Setting("Runtime", "runtime", lambda v, d: not v or v == d.runtime, "the engine's own"),
    Setting("OomScoreAdj", "place in the OOM killer's order", lambda v, _: (v or 0) >= 0, "0, as everybody's"),
    Setting("MemorySwap", "swap", lambda v, _: (v or 0) >= 0, "a limit"),
    Setting("MaskedPaths", "masked paths", lambda v, _: v is None or {*v} >= MASKED, "those of the engine"),
    Setting("ReadonlyPaths", "read-only paths", lambda v, _: v is None or {*v} >= READ_ONLY, "those of the engine"),
)


def setting_differences(
    containers: Sequence[Container], container: Container, service: Service, defaults: Defaults
) -> list[str]:
    """Every other setting of the host that the container would not have if nobody had asked for it.

    What all of `containers` have alike may be a default of the engine's that it does not tell, such as a limit.
    """
    host = container.host
    found = [f"{what}: {_shown(host[key])}; expected none" for key, what in ABSENT.items() if host.get(key)]
    found += [
        f"{setting.name}: {_shown(host[setting.key])}; expected {setting.expected}"
        for setting in SETTINGS
        if setting.key in host and not setting.is_given(host[setting.key], defaults)
    ]
    found += _log_differences(host, defaults)
    found += [f"limit {limit}; expected none" for limit in sorted(_limits(container) - _of_all(containers))]
    options = container.security_options - {"no-new-privileges", "no-new-privileges:false"}
    found += [f"security option {option}; expected none" for option in sorted(options)]
    policy = (host.get("RestartPolicy") or {}).get("Name") or "no"
    if policy != service.restart:
        found.append(f"the restart policy is {policy!r}; the matrix requires {service.restart!r}")
    return found


def _log_differences(host: Mapping[str, Any], defaults: Defaults) -> Iterator[str]:
    driver = (host.get("LogConfig") or {}).get("Type") or defaults.logging
    if driver not in {defaults.logging, *LOGS_ON_HOST}:
        yield f"log driver {driver}; expected {defaults.logging}, or another that keeps the logs on the host"


def _limits(container: Container) -> frozenset[str]:
    return frozenset(
        f"{limit['Name']} {limit['Soft']}:{limit['Hard']}" for limit in container.host.get("Ulimits") or ()
    )


def _of_all(containers: Sequence[Container]) -> frozenset[str]:
    there = [_limits(container) for container in containers if container.document is not None]
    return frozenset.intersection(*there) if len(there) > 1 else frozenset()


def alias_differences(containers: Sequence[Container], network: str) -> list[str]:
    """The names on `network` that belong to another, or to nobody the matrix knows: each container has its own only."""
    found = []
    for container in containers:
        if container.document is not None:
            extra = container.aliases(network) - {container.name, container.id[:12]}
            found += [f"{container.name} answers to {name}, too" for name in sorted(extra)]
    return found


def _shown(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value)) or "nothing"
    return str(value)
