"""Which defects make the demands of a row false, and which demands have none."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_lucid.matrix.written import is_demanded
from pytest_lucid.prove.defect import (
    Defect,
    Unplanted,
    added_capability,
    bound_elsewhere,
    executable_memory,
    health_check,
    host,
    in_memory,
    published_elsewhere,
    security,
    variable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.prove.defect import CopiedStack

OTHER_PROGRAM = "it takes another program inside, and the copy runs that of the image"
# A port that nobody is likely to listen at.
LISTENED = 49151
# Capabilities that hardly anything needs.
CAPABILITIES = ("SYS_TIME", "SYS_BOOT")
# The demands that say how a container is created: key → name of the defect, the change, the checks that speak of it.
CREATED: tuple[tuple[str, str, str, Callable[[dict[str, object]], object]], ...] = (
    ("once", "cannot do its work", "CTR-ENDED", lambda d: d.update(Entrypoint=["/lucid-prove/nothing"])),
    ("health.check", "no health check", "CTR-HEALTHY", health_check("NONE")),
    ("health.check", "health check fails", "CTR-HEALTHY", health_check("CMD", "/lucid-prove/nothing")),
    ("hardening.read_only", "root can be written", "CTR-READONLY", host(ReadonlyRootfs=False)),
    ("hardening.limits", "no limit of memory", "CTR-LIMITS", host(Memory=0, MemorySwap=0, MemoryReservation=0)),
    ("hardening.limits", "no limit of processes", "CTR-LIMITS", host(PidsLimit=0)),
    ("hardening.capabilities", "no capability dropped", "CTR-CAPS RUN-CAPS", host(CapDrop=[])),
    ("hardening.no_new_privileges", "may gain privileges", "CTR-NNP RUN-NNP", security(drop="no-new-privileges")),
    ("hardening.seccomp", "system calls unfiltered", "RUN-SECCOMP", security(drop="seccomp", add="seccomp=unconfined")),
    ("hardening.own_namespaces", "shares IPC with the host", "RUN-NAMESPACES", host(IpcMode="host")),
    ("hardening.as_declared", "a variable more", "CTR-VARIABLES", variable("LUCID_PROVE", "1")),
    ("hardening.as_declared", "another name server", "CTR-RESOLVER", host(Dns=["127.0.0.1"])),
    ("addresses", "published on another address", "CTR-BOUND", bound_elsewhere),
)
# These checks are not made of what has ended, though their names do not say so.
OF_WHAT_STAYS = frozenset({"CTR-HEALTHY", "CTR-PORTS", "CTR-BOUND"})
# Those for which a copy cannot have a defect: key → why.
NEVER = {
    "hardening.unchanged": OTHER_PROGRAM,
    "hardening.storage_only": OTHER_PROGRAM,
    "hardening.no_engine_socket": "nobody is given the engine's socket for a test",
    "health.path": OTHER_PROGRAM,
    "health.body": OTHER_PROGRAM,
    "health.fields": OTHER_PROGRAM,
    "health.service": OTHER_PROGRAM,
    "health.version": OTHER_PROGRAM,
    "health.timestamp": OTHER_PROGRAM,
    "health.dependencies": OTHER_PROGRAM,
    "grpc_ports": OTHER_PROGRAM,
    "https_ports": OTHER_PROGRAM,
    "paths": OTHER_PROGRAM,
    "api": OTHER_PROGRAM,
    "content": "it speaks of the image, and the copy runs the same",
    "labels": "they are those of the image, and the copy runs the same",
    "instances": "the copy is found by its names",
    "prefix": "the copy has names of its own",
}
# Of networks: key → the check that speaks of it, and why it is not planted.
MADE_ONCE = "the networks of the copy are made once, and have no defect"
OWN_POOLS = "the networks of the copy have address pools of their own"
OF_NETWORKS = {
    "driver": ("NET-DRIVER", MADE_ONCE),
    "subnet": ("NET-SUBNET", OWN_POOLS),
    "subnet6": ("NET-SUBNET", OWN_POOLS),
    "internal": ("NET-INTERNAL", MADE_ONCE),
    "exclusive": ("NET-STRANGERS", MADE_ONCE),
}


def defects_of(row: Service, matrix: Matrix, copy: CopiedStack) -> Iterator[Defect | Unplanted]:
    """Yield a defect for each demand of `row` that can be made false in `copy`, and a reason for each other one."""
    for found in (
        *_created(row),
        *_of_life(row),
        *_of_ports(row, copy),
        *_of_values(row),
        *_of_networks(row, matrix, copy),
        *_of_rules(row, matrix),
    ):
        if not is_demanded("", [found.demand], row, matrix):
            continue
        if isinstance(found, Defect) and row.once:
            # Of what has ended nothing is seen inside.
            found = _only(found, _judges_ended)  # noqa: PLW2901 - the same, of fewer checks
        if isinstance(found, Unplanted):
            yield found
            continue
        made = _only(found, lambda check: is_demanded(check, [], row, matrix))
        if made.checks:
            yield made
        elif found.checks:
            yield Unplanted(found.demand, f"the row is without {', '.join(sorted(found.checks))}")


def unplanted_networks(matrix: Matrix) -> Iterator[tuple[str, Unplanted]]:
    """Yield the name of each network, and each demand on it: none of them is planted."""
    for network in matrix.all_networks:
        for key, (check, reason) in OF_NETWORKS.items():
            value = getattr(network, key)
            demanded = value is not None and not (key == "exclusive" and not value)
            if demanded and is_demanded(check, [], matrix):
                yield network.name, Unplanted(f"networks.{key}", reason)


def _judges_ended(check: str) -> bool:
    return not check.startswith("RUN-") and check not in OF_WHAT_STAYS


def _only(defect: Defect, is_made: Callable[[str], bool]) -> Defect:
    return replace(defect, checks=frozenset(filter(is_made, defect.checks)))


def _created(row: Service) -> Iterator[Defect | Unplanted]:
    for demand, name, checks, change in CREATED:
        yield Defect(demand, name, _ids(checks), change)
    # What the row demands is no defect of it.
    user, name = ("65534:65534", "runs as another user") if row.ids[:1] == (0,) else ("0:0", "runs as root")
    yield Defect("user", name, _ids("CTR-USER RUN-USER"), lambda d: d.update(User=user))
    kept = (row.hardening and row.hardening.capabilities) or ()
    if added := next((each for each in CAPABILITIES if each not in kept), None):
        speaking = _ids("CTR-CAPS RUN-CAPS")
        yield Defect("hardening.capabilities", "a capability added", speaking, added_capability(added))
    policy = {"Name": "unless-stopped" if row.restart == "always" else "always"}
    change = host(RestartPolicy=policy)
    yield Defect("hardening.as_declared", "another restart policy", _ids("CTR-SETTINGS"), change)
    yield from (Unplanted(demand, reason) for demand, reason in NEVER.items())


def _of_life(row: Service) -> Iterator[Defect]:
    if row.stays:
        yield Defect("stays", "is stopped", _ids("CTR-RUNNING"), act=_stop)
        yield Defect("hardening.only_command", "a process more", _ids("RUN-PROCESSES"), act=_process)
    yield Defect("image", "made of another image", _ids("CTR-IMAGE"), of_other_image=True)


def _of_ports(row: Service, copy: CopiedStack) -> Iterator[Defect | Unplanted]:
    if row.once:
        return
    if row.published or copy.can_publish(row.name):
        name = "published elsewhere" if row.published else "a port is published"
        yield Defect("ports", name, _ids("CTR-PORTS"), published_elsewhere)
    else:
        yield Unplanted("ports", "none can be published on an internal network")
    yield Defect("ports", "listens at a port more", _ids("RUN-LISTEN"), act=partial(_listen, address="0.0.0.0"))  # noqa: S104 - inside the copy
    yield Defect("listens", "listens on loopback", _ids("RUN-LOOPBACK"), act=partial(_listen, address="127.0.0.1"))


def _of_values(row: Service) -> Iterator[Defect]:
    for name, value in (row.variables or {}).items():
        yield Defect("variables", f"{name} is another", _ids("CTR-ENV RUN-ENV"), variable(name, f"{value}-lucid-prove"))
    for path in (row.hardening and row.hardening.tmpfs) or ():
        yield Defect("hardening.tmpfs", f"{path} can execute", _ids("CTR-TMP"), executable_memory(path))
    for path in row.storage or ():
        yield Defect("storage", f"{path} is in memory", _ids("CTR-STORAGE"), in_memory(path))


def _of_networks(row: Service, matrix: Matrix, copy: CopiedStack) -> Iterator[Defect | Unplanted]:
    speaking = _ids("CTR-NETWORK RUN-NETWORKS")
    yield Defect("networks", "on a network more", speaking, act=lambda copy, name: copy.attach(name, copy.spare))
    if row.networks:
        yield Defect("networks", "off its networks", speaking, act=_isolate)
    if row.reaches:
        yield Defect("reaches", "off its networks", _ids("NET-REACHES"), act=_isolate, spreads=True)
    own = {network.name for network in matrix.networks_of(row)}
    for said in row.isolated_from or ():
        peers = [peer.name for peer in matrix.peers(row, (said,))]
        ways = [n.name for each in matrix.service if each.name in peers for n in matrix.networks_of(each)]
        foreign = [name for name in ways if name not in own and name in copy.networks]
        if foreign:
            join = partial(_join, network=foreign[0])
            yield Defect("isolated_from", f"on the network of {said}", _ids("NET-ISOLATED"), act=join, spreads=True)
        else:
            yield Unplanted("isolated_from", f"{said} has no network of its own")


def _of_rules(row: Service, matrix: Matrix) -> Iterator[Unplanted]:
    if any(rule.concerns(row.name) for rule in matrix.forbidden or ()):
        yield Unplanted("forbidden", f"{OTHER_PROGRAM}; networks of rules are planted as isolated_from")


def _stop(copy: CopiedStack, row: str) -> None:
    copy.stop(row)


def _process(copy: CopiedStack, row: str) -> None:
    copy.visit(row, ["sleep", "600"])


def _listen(copy: CopiedStack, row: str, address: str) -> None:
    copy.visit(row, ["httpd", "-f", "-p", f"{address}:{LISTENED}"], port=LISTENED)


def _isolate(copy: CopiedStack, row: str) -> None:
    for network in copy.networks_of(row):
        copy.detach(row, network)


def _join(copy: CopiedStack, row: str, network: str) -> None:
    copy.attach(row, copy.networks[network])


def _ids(text: str) -> frozenset[str]:
    return frozenset(text.split())


def batches(planned: Iterable[tuple[str, Defect]]) -> Iterator[dict[str, Defect]]:
    """Group defects so that one run of the suite judges a group: one for each row, those that spread alone."""
    waiting = list(planned)
    yield from ({row: defect} for row, defect in waiting if defect.spreads)
    waiting = [each for each in waiting if not each[1].spreads]
    while waiting:
        batch: dict[str, Defect] = {}
        for row, defect in waiting:
            batch.setdefault(row, defect)
        yield batch
        waiting = [(row, defect) for row, defect in waiting if batch[row] is not defect]
