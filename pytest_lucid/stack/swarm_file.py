"""The compose file for `docker stack deploy`, written from the matrix: the same services, hardened alike.

What a service of a swarm cannot have is named at the top of the file. Nothing here asks an engine.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import yaml

from pytest_lucid.errors import ConfigError
from pytest_lucid.stack.certificate import AUTHORITY, CERTIFICATE, KEY
from pytest_lucid.stack.swarm_limits import lost

if TYPE_CHECKING:
    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.matrix.model import Network
    from pytest_lucid.matrix.swarm import Stack

WIDTH = 120
MIB = 1024 * 1024
# As the bring-up on one engine has them.
TMP_BYTES = 16 * MIB
CONSUL_MIB, CONSUL_PIDS = 256, 128
# Of a matrix that gives no health timings: those of an engine.
INTERVAL_SECONDS = 30
# Engine's name of an architecture → what a node calls itself.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "arm": "armv7l"}
# `restart` of the matrix → the condition of a swarm.
CONDITIONS = {"no": "none", "on-failure": "on-failure", "always": "any", "unless-stopped": "any"}
# `publish` of the matrix → how a swarm says it.
MODES = {"mesh": "ingress", "host": "host"}
# Files of the certificate that everybody may read.
PUBLIC = (AUTHORITY, CERTIFICATE)
HEAD = """\
# Made by `python -m pytest_lucid stack` from the matrix; change that, and make this file anew.
#
#   docker stack deploy --compose-file {file} --resolve-image never {name}
#
# `--resolve-image never` is for images that are on the nodes already; leave it out where a registry has them.
"""


def write_stack(matrix: Matrix, file: str = "stack.yaml") -> str:
    """The whole file, the same for the same matrix. `file` is its name, for the command at its top.

    Raises ConfigError for a matrix that asks for no swarm.
    """
    stack = matrix.stack
    if stack is None:
        raise ConfigError('the matrix asks for no swarm; write [stack] with engine = "swarm" into lucid.toml')
    services: dict[str, Any] = {}
    if matrix.consul:
        services[matrix.consul.container] = _consul(matrix, stack)
    services |= {service.name: _service(matrix, stack, service) for service in matrix.start_order}
    secured = [service for service in matrix.service if service.certificate]
    document = {
        "services": services,
        "networks": {network.name: _network(network, stack) for network in matrix.all_networks},
        "volumes": {name: {"name": name} for service in matrix.start_order for name in _volumes(service)},
        "configs": {f"{each.name}-{part}": _given(f"{each.name}-{part}") for each in secured for part in PUBLIC},
        "secrets": {f"{each.name}-{KEY}": _given(f"{each.name}-{KEY}") for each in secured},
    }
    head = [HEAD.format(file=file, name=stack.name), *(_comment(line) for line in (*_before(matrix), *lost(matrix)))]
    body = yaml.safe_dump(
        {key: value for key, value in document.items() if value}, sort_keys=False, allow_unicode=True, width=WIDTH
    )
    return "".join(head) + "\n" + body


def _comment(line: str) -> str:
    return (
        "#\n" + textwrap.fill(line, WIDTH, break_on_hyphens=False, initial_indent="# ", subsequent_indent="#   ") + "\n"
    )


def _before(matrix: Matrix) -> list[str]:
    """What must be there before the stack is deployed."""
    lines = []
    for service in matrix.service:
        if service.certificate:
            public = "; ".join(f"docker config create {service.name}-{part} {part}" for part in PUBLIC)
            lines.append(
                f"Before: {public}; docker secret create {service.name}-{KEY} {KEY} (certificate of {service.name})"
            )
    if variables := sorted({name for service in matrix.service for name in service.secrets}):
        lines.append(f"Before: export {', '.join(variables)}; `docker stack deploy` puts the values in.")
    return lines


def _service(matrix: Matrix, stack: Stack, service: Service) -> dict[str, Any]:
    networks = [network.name for network in matrix.networks_of(service)]
    environment = {name: f"${{{name}:?export {name} before the stack is deployed}}" for name in sorted(service.secrets)}
    ports = [
        {"target": port.number, "published": port.host, "protocol": port.protocol, "mode": MODES[stack.publish]}
        for port in service.published
    ]
    mounts = [{"type": "volume", "source": name, "target": path} for name, path in _volumes(service).items()]
    described = {
        "image": service.image,
        "hostname": service.name,
        "environment": environment,
        "networks": networks,
        "ports": ports,
        **_hardening(mounts),
        **_certificate(service),
        "deploy": _deploy(matrix, stack, service),
    }
    return {key: value for key, value in described.items() if value}


def _consul(matrix: Matrix, stack: Stack) -> dict[str, Any]:
    consul = matrix.consul
    assert consul is not None  # noqa: S101 - asked by the caller
    described = {
        "image": consul.image,
        "entrypoint": ["consul"],
        "command": ["agent", "-dev", "-client=0.0.0.0", "-log-level=warn", f"-http-port={consul.port}"],
        "user": matrix.user,
        "networks": [matrix.network.name] if matrix.network else [],
        **_hardening([]),
        "deploy": {
            "mode": "replicated",
            "replicas": 1,
            **_endpoint(stack),
            "resources": _limits(CONSUL_MIB, CONSUL_PIDS),
            "restart_policy": {"condition": "any"},
            **_placement(_architecture(matrix)),
            **_replacing(stack, INTERVAL_SECONDS, "stop-first"),
        },
    }
    return {key: value for key, value in described.items() if value}


def _hardening(mounts: list[dict[str, Any]]) -> dict[str, Any]:
    """Least privilege, as far as a service of a swarm has it; engines mount a tmpfs noexec, nosuid and nodev."""
    tmp = {"type": "tmpfs", "target": "/tmp", "tmpfs": {"size": TMP_BYTES}}  # noqa: S108 - a path inside the container
    return {"read_only": True, "cap_drop": ["ALL"], "volumes": [tmp, *mounts]}


def _certificate(service: Service) -> dict[str, Any]:
    """The files of the certificate: root's, readable by the service, the key by its group alone."""
    if not service.certificate:
        return {}
    group = (service.user or "0:0").partition(":")[2]

    def file(part: str, mode: int) -> dict[str, Any]:
        target = f"{service.certificate}/{part}"
        return {"source": f"{service.name}-{part}", "target": target, "uid": "0", "gid": group, "mode": mode}

    return {"configs": [file(part, 0o444) for part in PUBLIC], "secrets": [file(KEY, 0o440)]}


def _volumes(service: Service) -> dict[str, str]:
    """Its named volumes, name → path, without that of the certificate, which secrets and configs replace."""
    return {name: path for name, path in service.volumes.items() if path != service.certificate}


def _deploy(matrix: Matrix, stack: Stack, service: Service) -> dict[str, Any]:
    # Unless the row says that nothing starts it again, a swarm replaces what ends: that is what it is for.
    restart = CONDITIONS[service.restart] if "restart" in service.model_fields_set else "any"
    described: dict[str, Any] = {
        "mode": "replicated-job" if service.once else "replicated",
        "replicas": service.replicas,
        **_endpoint(stack),
        "resources": _limits(service.memory_mib, service.pids),
        "restart_policy": {"condition": "none" if service.once else restart},
        **_placement([*_architecture(matrix), *service.placement], 1 if service.replicas > 1 else 0),
    }
    if not service.once:
        # Two tasks that write to one volume at the same time would spoil it; and one port of a node has one task.
        alone = service.storage or service.replicas > 1 or (stack.publish == "host" and service.published)
        order = "stop-first" if alone else "start-first"
        described |= _replacing(stack, _monitored(service), order)
    return described


def _endpoint(stack: Stack) -> dict[str, str]:
    """How a name is answered: by an address of the service, which needs IPVS, or by those of its tasks."""
    return {"endpoint_mode": "dnsrr"} if stack.publish == "host" else {}


def _limits(memory_mib: int, pids: int) -> dict[str, Any]:
    return {"limits": {"memory": f"{memory_mib}M", "pids": pids}}


def _monitored(service: Service) -> int:
    """Seconds after which a task that never gets healthy is known to be sick."""
    health = service.health
    if health is None:
        return INTERVAL_SECONDS
    interval = health.interval or INTERVAL_SECONDS
    return int((health.start_period or 0) + health.retries * (interval + health.timeout))


def _replacing(stack: Stack, monitor: int, order: str) -> dict[str, Any]:
    """How tasks are replaced: a sick new one brings the old ones back."""
    common = {
        "parallelism": stack.update_parallelism,
        "delay": f"{stack.update_delay}s",
        "monitor": f"{monitor}s",
        "order": order,
    }
    return {
        "update_config": {**common, "failure_action": "rollback"},
        "rollback_config": {**common, "failure_action": "pause"},
    }


def _placement(constraints: list[str], most: int = 0) -> dict[str, Any]:
    """On which nodes, and how many tasks at most on one; 0 for any number."""
    placement = {"constraints": constraints, "max_replicas_per_node": most}
    kept = {key: value for key, value in placement.items() if value}
    return {"placement": kept} if kept else {}


def _architecture(matrix: Matrix) -> list[str]:
    wanted = matrix.architecture
    return [f"node.platform.arch == {MACHINES.get(wanted, wanted)}"] if wanted else []


def _network(network: Network, stack: Stack) -> dict[str, Any]:
    described: dict[str, Any] = {"name": network.name, "driver": "overlay"}
    if stack.encrypted:
        described["driver_opts"] = {"encrypted": "true"}
    if network.internal:
        described["internal"] = True
    if network.subnets:
        described["ipam"] = {"config": [{"subnet": str(subnet)} for subnet in network.subnets]}
    return described


def _given(name: str) -> dict[str, Any]:
    return {"external": True, "name": name}
