"""What really runs, seen from inside the containers, whatever the engine's records say."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.sidecar.processes import capability_bits, capability_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.content.forbidden import Vocabulary
    from pytest_lucid.inspect.container import Container
    from pytest_lucid.inspect.drift import Drift
    from pytest_lucid.matrix import ImagePolicy, Network, Service
    from pytest_lucid.sidecar.processes import Process
    from pytest_lucid.sidecar.runtime import Runtime
    from pytest_lucid.target.deployment import Deployment

ALONE = frozenset({"ipc", "mnt", "net", "pid", "uts"})


@pytest.mark.lucid(
    "RUN-USER",
    demand="user",
    severity="high",
    remedy="Start the container without --user, and nothing inside as another user.",
)
def test_processes_are_nonroot(lucid_service: Service, lucid_runtime: Runtime) -> None:
    """Every live process has the matrix's user in all user and group ids: a saved id of 0 leads back to root."""
    uid, gid = lucid_service.ids
    others = [process for process in lucid_runtime.processes if ids_of(process) != ({uid}, {gid})]
    assert not others, "\n".join(f"process {each} has the ids {told_ids(each)}, not {uid}:{gid}" for each in others)


@pytest.mark.lucid(
    "RUN-CAPS",
    demand="hardening.capabilities",
    severity="high",
    remedy="Start it with --cap-drop ALL and without --privileged.",
)
def test_processes_have_no_capability(lucid_service: Service, lucid_runtime: Runtime) -> None:
    """No live process has a capability, effective or in reserve, but those that the matrix allows."""
    allowed = capability_bits(lucid_service.hardening.capabilities or ()) if lucid_service.hardening else 0
    able = [
        f"process {process}: {', '.join(capability_names(held))}"
        for process in lucid_runtime.processes
        if (held := reduce(or_, process.capabilities.values(), 0) & ~allowed)
    ]
    assert not able, "\n".join(able)


@pytest.mark.lucid(
    "RUN-NNP",
    demand="hardening.no_new_privileges",
    severity="high",
    remedy="Start it with --security-opt no-new-privileges.",
)
def test_processes_cannot_gain_privileges(lucid_runtime: Runtime) -> None:
    """The kernel refuses new privileges to every live process, whatever setuid file the process finds."""
    able = [process for process in lucid_runtime.processes if not process.no_new_privileges]
    assert not able, "\n".join(f"process {process} may gain privileges" for process in able)


@pytest.mark.lucid(
    "RUN-SECCOMP",
    demand="hardening.seccomp",
    severity="high",
    remedy="Start it without --security-opt seccomp=unconfined.",
)
def test_system_calls_are_filtered(lucid_runtime: Runtime) -> None:
    """A seccomp filter applies to every live process."""
    free = [process for process in lucid_runtime.processes if not process.is_filtered]
    assert not free, "\n".join(f"process {process} has no filter" for process in free)


@pytest.mark.lucid(
    "RUN-PROCESSES",
    demand="hardening.only_command",
    severity="high",
    remedy="Find out who started it: the service, or docker exec.",
)
def test_only_the_declared_command_runs(lucid_container: Container, lucid_runtime: Runtime) -> None:
    """The declared command is the first process, or the child of an init, and no other runs but the health probe."""
    running = [process for process in lucid_runtime.processes if not is_probe(process, lucid_container)]
    init = [process for process in running if process.pid == 1 and lucid_container.has_init]
    rest = [process for process in running if process not in init]
    assert [process.argv for process in rest] == [lucid_container.argv], ", ".join(map(str, running))
    assert rest[0].parent == len(init), f"{rest[0]} was not started as the service"


@pytest.mark.lucid(
    "RUN-ZOMBIES",
    demand="hardening.only_command",
    severity="medium",
    remedy="Wait for ended children in the service, or start it with --init.",
)
def test_no_process_stays_defunct(lucid_runtime: Runtime) -> None:
    """Every process that ended was waited for: those that were not fill the limit of processes."""
    assert not lucid_runtime.defunct, ", ".join(f"{each} (child of {each.parent})" for each in lucid_runtime.defunct)


@pytest.mark.lucid(
    "RUN-LISTEN", demand="ports", severity="high", remedy="Listen on 0.0.0.0, at the ports of the matrix only."
)
def test_listens_on_declared_ports_only(lucid_service: Service, lucid_runtime: Runtime) -> None:
    """The service listens on exactly the declared ports, as its own network namespace shows."""
    listening = {(listener.protocol, listener.port) for listener in lucid_runtime.listeners}
    assert listening == {(port.protocol, port.number) for port in lucid_service.ports or ()}, ", ".join(
        map(str, lucid_runtime.listeners)
    )


@pytest.mark.lucid("RUN-LOOPBACK", demand="listens", severity="high", remedy="Listen on 0.0.0.0 instead of 127.0.0.1.")
def test_every_listener_is_reachable(lucid_runtime: Runtime) -> None:
    """Every declared port listens beyond loopback: other containers cannot reach a socket on loopback."""
    assert lucid_runtime.listeners, "nothing listens at all"
    hidden = [listener for listener in lucid_runtime.listeners if not listener.is_reachable]
    assert not hidden, ", ".join(map(str, hidden))


@pytest.mark.lucid(
    "RUN-CODE", demand="content.code", severity="critical", remedy="Let root own the code, and start with --read-only."
)
def test_code_is_not_writable(lucid_content: ImagePolicy, lucid_runtime: Runtime) -> None:
    """The service can change neither its code nor its interpreter, so that a break-in does not survive a restart."""
    code = (*(lucid_content.code or ()), lucid_runtime.program, lucid_runtime.processes[0].argv[0])
    writable = {path: lucid_runtime.writable_at(path) for path in code if lucid_runtime.writable_at(path)}
    assert not writable


@pytest.mark.lucid(
    "RUN-STORAGE",
    demand=("user", "storage"),
    severity="high",
    remedy="Let the service's user own its storage, without write bits for others.",
)
def test_storage_is_writable_by_the_service_alone(lucid_service: Service, lucid_runtime: Runtime) -> None:
    """The service can write to its storage paths, and nobody else can."""
    if not lucid_service.storage:
        pytest.skip(f"the matrix gives {lucid_service.name} no storage")
    closed = set(lucid_service.storage) - set(lucid_runtime.writable.paths)
    assert not closed, f"the service cannot write to {', '.join(sorted(closed))}"
    shared = ", ".join(lucid_runtime.writable.shared)
    assert not shared, f"another user owns or can write to {shared}"


@pytest.mark.lucid(
    "RUN-WRITABLE",
    demand="hardening.storage_only",
    severity="high",
    remedy="Start it with --read-only; let root own what it mounts.",
)
def test_nothing_else_is_writable(lucid_service: Service, lucid_runtime: Runtime) -> None:
    """Apart from its storage, the service can write only to file systems in memory."""
    kept = {path for path in lucid_runtime.writable.paths if not lucid_runtime.mount_of(path).is_memory}
    others = kept - set(lucid_service.storage or ())
    assert not others, f"the service can also write to {', '.join(sorted(others))}"


@pytest.mark.lucid(
    "RUN-DRIFT",
    demand="hardening.unchanged",
    severity="high",
    remedy="Recreate the container; change the image, not what runs.",
)
def test_container_is_as_its_image(lucid_drift: Drift) -> None:
    """No file in the container was changed, added or deleted since the container was created."""
    assert not lucid_drift.changes


@pytest.mark.lucid(
    "RUN-ENV", demand="variables", severity="medium", remedy="Do not change variables between engine and service."
)
def test_live_environment_is_as_demanded(lucid_service: Service, lucid_runtime: Runtime) -> None:
    """The live process has the variables that the matrix demands."""
    demanded = lucid_service.variables or {}
    assert {name: lucid_runtime.environment.get(name) for name in demanded} == demanded


@pytest.mark.lucid(
    "RUN-TRON", severity="critical", remedy="Remove the variable; the rule in the matrix says whose it is."
)
def test_live_environment_is_free_of_tron(
    lucid_service: Service, lucid_runtime: Runtime, lucid_vocabulary: Vocabulary
) -> None:
    """No variable of the live process names what the matrix forbids to the service, wherever it came from."""
    assert lucid_runtime.environment, "the variables cannot be seen"
    assert not lucid_vocabulary.variables(lucid_runtime.environment, knows_url=lucid_service.knows_payment_url)


@pytest.mark.lucid(
    "RUN-DNS", demand="networks", severity="high", remedy="Attach all containers to the network, under their names."
)
def test_names_resolve(
    lucid_row_networks: tuple[Network, ...], lucid_deployment: Deployment, lucid_names: Mapping[str, frozenset[str]]
) -> None:
    """The name of every running service on its networks resolves to the engine's addresses and to no other."""
    own = {network.name for network in lucid_row_networks}
    given = {
        name: {address for network, address in lucid_deployment.container(name).networks.items() if network in own}
        for name in lucid_names
    }
    assert given, "nothing runs"
    # The name of a service on several networks may resolve to its address on any of them.
    wrong = {name: answer for name, answer in lucid_names.items() if not answer or not answer <= given[name]}
    assert not wrong, f"{wrong}; expected of {given}"


@pytest.mark.lucid(
    "RUN-NETWORKS",
    demand="networks",
    severity="high",
    remedy="Attach it to its networks in the matrix, and to no other.",
)
def test_one_network_is_attached(
    lucid_row_networks: tuple[Network, ...], lucid_container: Container, lucid_runtime: Runtime
) -> None:
    """The container has loopback and one interface for each of its networks: any other bypasses the isolation."""
    attached = {name: addresses for name, addresses in lucid_runtime.interfaces.items() if name != "lo"}
    assert "lo" in lucid_runtime.interfaces, "the interfaces cannot be seen"
    given = [lucid_container.networks.get(network.name) for network in lucid_row_networks]
    found = sorted(str(sorted(each for each in addresses if ":" not in each)) for addresses in attached.values())
    assert found == sorted(str([address]) for address in given)


@pytest.mark.lucid(
    "RUN-ENGINE-SOCKET",
    demand="hardening.no_engine_socket",
    severity="critical",
    remedy="Do not mount the engine's socket into a service.",
)
def test_engine_cannot_be_reached(lucid_service: Service, lucid_runtime: Runtime) -> None:
    """No foreign socket is mounted: a process that reaches the engine's socket is root on the host."""
    own = lucid_service.ids[:1]
    foreign = [path for path, owner in lucid_runtime.sockets if owner not in own]
    assert not foreign


@pytest.mark.lucid(
    "RUN-NAMESPACES",
    demand="hardening.own_namespaces",
    severity="critical",
    remedy="Start it without --pid, --ipc, --uts, --network=host.",
)
def test_shares_no_namespace(lucid_container: Container, lucid_runtime: Runtime) -> None:
    """The container shares no namespace with the host or another container, and has none mounted."""
    assert set(lucid_runtime.namespaces) >= ALONE, "the namespaces cannot be seen"
    assert not lucid_container.shared_namespaces
    assert not [mount.path for mount in lucid_runtime.mounts if mount.kind == "nsfs"]


def ids_of(process: Process) -> tuple[set[int], set[int]]:
    """All ids of a process, those of users and those of groups."""
    return set(process.uids), {*process.gids, *process.groups}


def told_ids(process: Process) -> str:
    """The ids of a process, users before groups."""
    return ":".join(",".join(map(str, sorted(ids))) for ids in ids_of(process))


def is_probe(process: Process, container: Container) -> bool:
    """Whether it is the health check, which the engine starts from outside; a child of the service is none."""
    return process.parent == 0 and process.pid != 1 and process.argv == container.health_command
