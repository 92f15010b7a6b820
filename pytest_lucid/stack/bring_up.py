"""Bringing the stack up: network, volumes, Consul, services, hardened. What is made carries the labels of the run."""

from __future__ import annotations

import secrets
import time
from functools import partial
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from docker.errors import NotFound
from docker.types import Mount

from pytest_lucid.engine.asking import together
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.stack.certificate import certificate_archive
from pytest_lucid.stack.follower import HEALTHY, STARTING, nobody, tell
from pytest_lucid.stack.network import create_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run
    from pytest_lucid.matrix import Consul, Matrix, Service

SECOND = 1_000_000_000
POLL_SECONDS = 0.1
# Starting a container is work for the engine; more at once are not sooner there.
STARTS_AT_ONCE = 8
# Of all containers together, on engines that probe a healthy container as often as a starting one.
PROBES_A_SECOND = 1
LONGEST_INTERVAL_SECONDS = 30
SECRET_BYTES = 32
# The first engine that can probe a starting container more often than a running one.
START_INTERVAL_API = (1, 44)
UNCHECKED = "without a health check"
ENDED_WELL = "exited with exit code 0"
# How long others wait for the end of what does its work once.
ONCE_SECONDS = 60
MIB = 1024 * 1024


def bring_up(
    engine: Engine, matrix: Matrix, services: Sequence[Service], run: Run, progress: Callable[[str], None]
) -> None:
    """Create the networks and start Consul and `services`, each after what it needs, and side by side where it can be.

    Health is waited for elsewhere.
    """
    for network in matrix.all_networks:
        create_network(engine, network, run)
    if matrix.consul:
        with engine_errors(f"starting {matrix.consul.container}"):
            _start_consul(engine, matrix, matrix.consul, run)
    # One value for all services that name the variable, for this run only; it is nowhere but in their environment.
    values = {name: secrets.token_hex(SECRET_BYTES) for service in services for name in service.secrets}
    health = _quick_health(engine.api, len(services))

    def start(service: Service) -> None:
        own = {"Env": [f"{name}={values[name]}" for name in service.secrets], "Healthcheck": dict(health)}
        with engine_errors(f"starting {service.name}"):
            _start_service(engine, matrix, service, run, own)
        tell(progress, service.name, STARTING)

    for level in levels(services):
        together((partial(start, service) for service in level), STARTS_AT_ONCE)
        _await_end(engine, [service for service in level if service.once])
    consul = f"{matrix.consul.container} and " if matrix.consul else ""
    networks = f" on {', '.join(matrix.network_names)}" if matrix.network_names else ""
    progress(f"started {consul}{len(services)} services{networks}")


def levels(services: Sequence[Service]) -> Iterator[tuple[Service, ...]]:
    """Yield the services in groups: each needs only what is in earlier groups, or not among `services`."""
    by_name = {service.name: service for service in services}
    order = TopologicalSorter(
        {service.name: [need for need in service.needs if need in by_name] for service in services}
    )
    order.prepare()
    while order.is_active():
        ready = order.get_ready()
        yield tuple(by_name[name] for name in ready)
        order.done(*ready)


def await_health(
    engine: Engine, services: Sequence[Service], deadline: float, progress: Callable[[str], None] = nobody
) -> dict[str, str]:
    """Wait until every service is healthy, has given up, or `deadline` (time.monotonic) has passed.

    Returns what is not healthy: container name → what the engine says of it. Judging that is left to the checks.
    """
    waiting = {service.name: "not asked yet" for service in services}
    once = {service.name for service in services if service.once}
    lost: dict[str, str] = {}
    while waiting and time.monotonic() < deadline:
        starting = _starting(engine)
        waiting.update(dict.fromkeys(waiting.keys() & starting, "starting"))
        for name in waiting.keys() - starting:
            state = _state(engine, name)
            if state != "starting" and not (name in once and state == UNCHECKED):
                del waiting[name]
                lost.update({} if state == HEALTHY or (name in once and state == ENDED_WELL) else {name: state})
                tell(progress, name, state)
        for name in waiting:
            tell(progress, name, STARTING)
        time.sleep(POLL_SECONDS)
    return {**lost, **waiting}


def _starting(engine: Engine) -> frozenset[str]:
    """The names of the containers that are not known to be healthy yet: one question, however many there are."""
    with engine_errors("waiting for the services"):
        found = engine.client.api.containers(filters={"health": "starting", "status": "running"})
    return frozenset(name.removeprefix("/") for container in found for name in container["Names"])


def _state(engine: Engine, name: str) -> str:
    with engine_errors(f"waiting for {name}"):
        try:
            state = engine.client.api.inspect_container(name)["State"]
        except NotFound:
            return "gone"
    if state["Status"] != "running":
        return f"{state['Status']} with exit code {state['ExitCode']}"
    return str(state.get("Health", {}).get("Status", UNCHECKED))


def _await_end(engine: Engine, services: Sequence[Service]) -> None:
    """Wait, within a bound, until `services` have done their work, which what comes after them needs."""
    waiting = {service.name for service in services}
    deadline = time.monotonic() + ONCE_SECONDS
    while waiting and time.monotonic() < deadline:
        waiting = {name for name in waiting if _state(engine, name) in {UNCHECKED, "starting", HEALTHY}}
        time.sleep(POLL_SECONDS)


def _start_consul(engine: Engine, matrix: Matrix, consul: Consul, run: Run) -> None:
    engine.client.containers.run(
        consul.image,
        name=consul.container,
        detach=True,
        entrypoint=["consul"],
        command=["agent", "-dev", "-client=0.0.0.0", "-log-level=warn", f"-http-port={consul.port}"],
        user=matrix.user,
        network=matrix.network.name if matrix.network else None,
        labels=run.labels,
        **_hardening(memory_mib=256, pids=128),
    )


def _start_service(engine: Engine, matrix: Matrix, service: Service, run: Run, own: Mapping[str, Any]) -> None:
    client, api = engine.client, engine.client.api
    networks = matrix.networks_of(service)
    for volume in service.volumes:
        client.volumes.create(volume, labels=run.labels)
    if service.certificate:
        _store_certificate(engine, service, run)
    host_config = api.create_host_config(
        port_bindings={str(port): (port.address or engine.binding, port.host) for port in service.published},
        mounts=[
            # What it was given to read it must not be able to change.
            Mount(target=path, source=volume, type="volume", read_only=path == service.certificate)
            for volume, path in service.volumes.items()
        ],
        network_mode=networks[0].name if networks else "bridge",
        restart_policy={"Name": service.restart, "MaximumRetryCount": 0},
        **_hardening(service.memory_mib, service.pids),
    )
    config: dict[str, Any] = api.create_container_config(
        service.image,
        command=[],
        hostname=service.name,
        labels=run.labels,
        ports=[(port.number, port.protocol) for port in service.ports or ()],
        host_config=host_config,
    )
    # Set here because the SDK's own argument of the health check drops the start interval.
    config |= own
    container: str = api.create_container_from_config(config, service.name)["Id"]
    for network in networks[1:]:
        api.connect_container_to_network(container, network.name)
    api.start(container)


def _store_certificate(engine: Engine, service: Service, run: Run) -> None:
    """Put a certificate into the service's volume, through a container that is never started."""
    volume = next(name for name, path in service.volumes.items() if path == service.certificate)
    names = tuple(dict.fromkeys((service.name, "localhost", "127.0.0.1", *engine.names)))
    carrier = engine.client.containers.create(
        service.image,
        labels=run.labels,
        network_mode="none",
        mounts=[Mount(target="/certificate", source=volume, type="volume")],
    )
    try:
        carrier.put_archive("/certificate", certificate_archive(names, service.user or "0:0"))
    finally:
        carrier.remove()


def _hardening(memory_mib: int, pids: int) -> dict[str, Any]:
    """Least privilege as spec.md demands it: read-only root, noexec /tmp, no capability, no way to gain one, limits."""
    return {
        "read_only": True,
        "tmpfs": {"/tmp": "rw,noexec,nosuid,nodev,size=16m"},  # noqa: S108 - a path inside the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": memory_mib * MIB,
        "memswap_limit": memory_mib * MIB,
        "pids_limit": pids,
    }


def _quick_health(api: tuple[int, int], services: int) -> dict[str, int]:
    """Timings that show health early; the rest of the health check stays the image's.

    Engines with a start interval keep the image's own interval once the container is healthy. Older ones wait one whole
    interval for the first probe, and probe as often ever after. So there the interval is short, but so long that all
    `services` together are probed PROBES_A_SECOND times: each probe starts an interpreter.
    """
    if api >= START_INTERVAL_API:
        return {"StartPeriod": 60 * SECOND, "StartInterval": 1 * SECOND}
    interval = min(max(2.0, services / PROBES_A_SECOND), LONGEST_INTERVAL_SECONDS)
    return {"StartPeriod": 60 * SECOND, "Interval": int(interval * SECOND)}
