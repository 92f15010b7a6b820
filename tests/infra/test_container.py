"""What the engine reports of the running containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_lucid.content.forbidden import Vocabulary
    from pytest_lucid.image.config import Image
    from pytest_lucid.inspect.container import Container
    from pytest_lucid.matrix import Network, Service
    from pytest_lucid.target.deployment import Deployment


@pytest.mark.lucid(
    "CTR-RUNNING",
    demand="stays",
    decides=True,
    severity="critical",
    remedy="Start it, and read its last log lines for why it ended.",
)
def test_is_running(lucid_container: Container) -> None:
    """A container of exactly this name runs; a similar name does not count."""
    lucid_container.demand_running()


@pytest.mark.lucid(
    "CTR-HEALTHY",
    demand=("health.check", "stays"),
    severity="critical",
    remedy="Ask its /health, and read its last log lines.",
)
def test_is_healthy(lucid_container: Container) -> None:
    """The engine's own health check passes; running is not enough."""
    lucid_container.demand_running()
    assert lucid_container.health == "healthy"


@pytest.mark.lucid(
    "CTR-ENDED",
    demand="once",
    severity="critical",
    remedy="Read its last log lines for why it failed, or why it goes on.",
)
def test_has_done_its_work(lucid_container: Container) -> None:
    """What does its work once has ended, and ended well: others rely on what it has done."""
    status, code = lucid_container.status, lucid_container.exit_code
    assert status == "exited", f"{lucid_container.name} is {status}; expected it to have ended"
    assert code == 0, f"{lucid_container.name} ended with exit code {code}"


@pytest.mark.lucid("CTR-STABLE", severity="high", remedy="Read its last log lines for why it ended.")
def test_was_not_restarted(lucid_container: Container) -> None:
    """The engine never restarted the container: a service that keeps crashing looks healthy between two crashes."""
    assert lucid_container.restarts == 0


@pytest.mark.lucid(
    "CTR-INSTANCES",
    demand="instances",
    severity="high",
    remedy="Scale the service to the number of the matrix, and end what is left of an earlier stack.",
)
def test_as_many_as_demanded_run(lucid_service: Service, lucid_deployment: Deployment) -> None:
    """As many containers run as the matrix has instances: one more is checked by nobody, one fewer carries the load."""
    found, demanded = lucid_deployment.instances(lucid_service), lucid_service.instances
    assert len(found) == demanded, f"{len(found)} run ({', '.join(found) or 'none'}); the matrix demands {demanded}"


@pytest.mark.lucid("CTR-NAME", demand="prefix", severity="low", remedy="Name the container as in the matrix.")
def test_name_has_prefix(lucid_service: Service, lucid_container: Container) -> None:
    """The container's name is that of the matrix, with the prefix that all services share."""
    assert lucid_container.id, "the container cannot be seen"
    assert lucid_container.name.startswith(lucid_service.prefix or "")


@pytest.mark.lucid("CTR-IMAGE", severity="high", remedy="Remove the container and create it from the present image.")
def test_runs_present_image(lucid_container: Container, lucid_image: Image) -> None:
    """The container runs the image that has the matrix's name now, not an older image that had the name before."""
    assert lucid_container.image_id == lucid_image.id


@pytest.mark.lucid("CTR-USER", demand="user", severity="high", remedy="Do not override the image's user with --user.")
def test_user_is_nonroot(lucid_service: Service, lucid_container: Container) -> None:
    """The container was started as the user of the matrix, whatever the image declares."""
    user, demanded = lucid_container.user, lucid_service.user
    assert user == demanded, f"the container runs as {user or 'root'}; the matrix requires {demanded}"


@pytest.mark.lucid(
    "CTR-PORTS",
    demand=("ports", "stays"),
    severity="high",
    remedy="Publish the ports of the matrix, and no others.",
)
def test_ports_are_published(lucid_service: Service, lucid_container: Container) -> None:
    """Exactly the ports of the matrix are published, each on its number on the host; internal ones are not."""
    assert lucid_container.published == {str(port): {port.host} for port in lucid_service.published}


@pytest.mark.lucid(
    "CTR-BOUND",
    demand=("addresses", "stays"),
    severity="high",
    remedy="Publish the port on the address of the matrix.",
)
def test_ports_are_bound_to_their_addresses(lucid_service: Service, lucid_container: Container) -> None:
    """A port that the matrix publishes on one address of the host, such as 127.0.0.1, is published on that one only."""
    demanded = {port: {address} for port, address in (lucid_service.addresses or {}).items()}
    assert {port: set(lucid_container.published_at.get(port, ())) for port in demanded} == demanded


@pytest.mark.lucid(
    "CTR-NETWORK",
    demand="networks",
    severity="high",
    remedy="Attach it to its networks in the matrix, and to no other.",
)
def test_is_on_the_network(lucid_row_networks: tuple[Network, ...], lucid_container: Container) -> None:
    """The container is attached to its networks in the matrix only: any other network is a way in or out."""
    assert set(lucid_container.networks) == {network.name for network in lucid_row_networks}


@pytest.mark.lucid(
    "CTR-ENV", demand="variables", severity="medium", remedy="Do not override the image's variables with other values."
)
def test_environment_is_set(lucid_service: Service, lucid_container: Container) -> None:
    """The container was started with the variables that the matrix demands."""
    demanded = lucid_service.variables or {}
    assert {name: lucid_container.environment.get(name) for name in demanded} == demanded


@pytest.mark.lucid(
    "CTR-TRON", severity="critical", remedy="Remove the variable; the rule in the matrix says whose it is."
)
def test_environment_is_free_of_tron(
    lucid_service: Service, lucid_container: Container, lucid_vocabulary: Vocabulary
) -> None:
    """No variable names what the matrix forbids to the service, such as TRON."""
    assert lucid_container.environment, "the variables cannot be seen"
    assert not lucid_vocabulary.variables(lucid_container.environment, knows_url=lucid_service.knows_payment_url)


@pytest.mark.lucid("CTR-READONLY", demand="hardening.read_only", severity="high", remedy="Start it with --read-only.")
def test_root_is_read_only(lucid_container: Container) -> None:
    """The container's root file system is read-only, so that an intruder cannot install anything."""
    assert lucid_container.read_only, "the root file system is writable: --read-only is missing"


@pytest.mark.lucid(
    "CTR-TMP", demand="hardening.tmpfs", severity="medium", remedy="Mount /tmp with --tmpfs /tmp:noexec,nosuid."
)
def test_tmp_is_tmpfs(lucid_service: Service, lucid_container: Container) -> None:
    """The temporary folders of the matrix are in memory, and no file in them can be executed."""
    demanded = {"noexec", "nosuid"}
    paths = lucid_service.hardening.tmpfs if lucid_service.hardening else ()
    mounted = {path: lucid_container.tmpfs.get(path) for path in paths or ()}
    wrong = {path: options for path, options in mounted.items() if options is None or not options >= demanded}
    assert not wrong, "\n".join(
        f"{path} is not in memory" if options is None else f"{path} lacks {', '.join(sorted(demanded - options))}"
        for path, options in wrong.items()
    )


@pytest.mark.lucid(
    "CTR-CAPS", demand="hardening.capabilities", severity="high", remedy="Start it with --cap-drop ALL, and add none."
)
def test_capabilities_are_dropped(lucid_service: Service, lucid_container: Container) -> None:
    """The container keeps no capability of root but those that the matrix allows."""
    assert not lucid_container.privileged, "the container is privileged"
    dropped = "ALL" in lucid_container.capabilities_dropped
    assert dropped, "the container keeps the engine's default capabilities: --cap-drop ALL is missing"
    allowed = set(lucid_service.hardening.capabilities or ()) if lucid_service.hardening else set()
    extra = lucid_container.capabilities_added - allowed
    assert not extra, f"the container has extra capabilities: {', '.join(sorted(extra))}"


@pytest.mark.lucid(
    "CTR-NNP",
    demand="hardening.no_new_privileges",
    severity="high",
    remedy="Start it with --security-opt no-new-privileges.",
)
def test_cannot_gain_privileges(lucid_container: Container) -> None:
    """No program inside can gain privileges, setuid or not."""
    given = "no-new-privileges" in lucid_container.security_options
    assert given, "the security option no-new-privileges is missing"


@pytest.mark.lucid(
    "CTR-LIMITS", demand="hardening.limits", severity="medium", remedy="Start it with --memory and --pids-limit."
)
def test_resources_are_limited(lucid_container: Container) -> None:
    """The container has limits: it cannot take all memory or all process ids of the Pi."""
    limits = {"memory": lucid_container.memory_limit, "the number of processes": lucid_container.pids_limit}
    unlimited = [what for what, limit in limits.items() if limit <= 0]
    assert not unlimited, f"no limit for {' and '.join(unlimited)}"


@pytest.mark.lucid(
    "CTR-STORAGE", demand="storage", severity="high", remedy="Mount a named volume at every storage path of the matrix."
)
def test_storage_is_on_volumes(lucid_service: Service, lucid_container: Container) -> None:
    """Every storage path is a volume, so that the data outlives the container."""
    storage, mounts = lucid_service.storage or (), lucid_container.mounts
    assert {path: mounts.get(path) for path in storage} == dict.fromkeys(storage, "volume")
