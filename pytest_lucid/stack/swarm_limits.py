"""What Docker Swarm cannot keep of a matrix: said to whoever reads the stack, each with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.matrix import Matrix, Service


def lost(matrix: Matrix) -> Iterator[str]:
    """One line for each demand that a stack does not carry, or carries otherwise."""
    yield (
        'Not kept: no-new-privileges, which a stack has no key for. Write "no-new-privileges": true into '
        "/etc/docker/daemon.json of every node."
    )
    yield "Not kept: no swap beyond the memory limit, which a stack has no key for. Switch swap off on every node."
    if any(service.needs for service in matrix.service):
        yield "Not kept: the order of `needs`. A swarm starts all at once; what is not answered yet is asked again."
    for service in matrix.service:
        yield from _of(service)
    if any(service.published for service in matrix.service):
        yield _published(matrix)
    if any(service.secrets for service in matrix.service):
        yield "Otherwise: whoever may ask a manager for `docker service inspect` sees the values of secret variables."


def _of(service: Service) -> Iterator[str]:
    if addresses := service.addresses:
        yield (
            f"Not kept: {service.name} on {', '.join(sorted(set(addresses.values())))} only. A swarm publishes on all "
            "addresses of its nodes; close the ports there with a firewall."
        )
    if service.storage and not service.placement:
        yield (
            f"Otherwise: volumes of {service.name} are on the node of its task, and a task that moves begins with "
            "empty ones. Keep it on one node with `placement`, such as node.hostname==NAME."
        )
    elif service.storage and service.replicas > 1:
        yield f"Otherwise: each of the {service.replicas} tasks of {service.name} has volumes of its own."
    if service.once:
        yield f"Otherwise: {service.name} is a job, and what needs its end must wait for it itself."


def _published(matrix: Matrix) -> str:
    if matrix.stack and matrix.stack.publish == "host":
        return "Otherwise: published ports answer on every address of the nodes that have a task, and on no other."
    return (
        "Otherwise: published ports answer on every address of every node, and services see the address of a node "
        'instead of the client\'s, so that limits by address count all clients as one: publish = "host" keeps it. '
        "Nodes need IPVS in their kernel."
    )
