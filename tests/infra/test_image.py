"""What the built images declare. Their files are judged elsewhere."""

from __future__ import annotations

import datetime as dt
import re
import signal
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.image.config import read_time
from pytest_lucid.image.health_probe import probe_problems

if TYPE_CHECKING:
    from pytest_lucid.content.forbidden import Vocabulary
    from pytest_lucid.image.config import Image
    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.matrix import Health, ImagePolicy, Service

MIB = 1024 * 1024
# Clocks of build hosts and of those that check differ a little.
CLOCK_SKEW = dt.timedelta(minutes=5)


@pytest.mark.lucid(
    "IMG-NAME", demand="prefix", severity="medium", remedy="Build it with `docker build -t` and the name of the matrix."
)
def test_name_has_prefix(lucid_service: Service, lucid_image: Image) -> None:
    """The image exists under the name of the matrix, with the prefix that all services share."""
    names = lucid_image.names
    shown = ", ".join(sorted(names)) or "the image has no name"
    prefix = lucid_service.prefix or ""
    assert any(name.startswith(prefix) for name in names), f"no name begins with {prefix}: {shown}"
    demanded = lucid_service.image.rpartition("/")[2].split("@")[0].split(":")[0]
    assert demanded in names, f"expected {demanded}: {shown}"


@pytest.mark.lucid(
    "IMG-USER", demand="user", severity="high", remedy="End the final stage with the USER of the matrix."
)
def test_user_is_nonroot(lucid_service: Service, lucid_image: Image) -> None:
    """The image runs as the user of the matrix, so a break-out does not start as root."""
    assert lucid_image.user == lucid_service.user


@pytest.mark.lucid(
    "IMG-ARGV",
    demand="content.no_shell",
    severity="critical",
    remedy="Give ENTRYPOINT in exec form, naming a program of the image.",
)
def test_argv_needs_no_shell(lucid_image: Image) -> None:
    """The effective command is a program with arguments; a distroless image has no shell that could run a string."""
    assert lucid_image.argv[:1], "the image has no command"
    program = lucid_image.argv[0]
    assert program.startswith("/"), f"the image starts {program!r}, which must be searched for"
    assert program.rpartition("/")[2] not in {"sh", "bash", "dash", "ash", "busybox"}
    # ENTRYPOINT and CMD are one argv: an interpreter that is given another interpreter as its script never starts.
    assert not any(word.rpartition("/")[2].startswith("python") for word in lucid_image.argv[1:2])


@pytest.mark.lucid(
    "IMG-PORTS",
    demand=("ports", "content.exposes"),
    severity="medium",
    remedy="EXPOSE the ports of the matrix, and no others.",
)
def test_ports_are_declared(lucid_service: Service, lucid_image: Image) -> None:
    """The image declares exactly the ports of the matrix, because `docker run -P` and readers rely on them."""
    assert lucid_image.ports == {str(port) for port in lucid_service.ports or ()}


@pytest.mark.lucid(
    "IMG-ENV",
    demand=("variables", "content.sets_environment"),
    severity="medium",
    remedy="Set the variables of the matrix with ENV in the final stage.",
)
def test_environment_is_set(lucid_service: Service, lucid_image: Image) -> None:
    """The image sets what the matrix demands, so that the service runs with no other configuration."""
    demanded = lucid_service.variables or {}
    assert {name: lucid_image.environment.get(name) for name in demanded} == demanded


@pytest.mark.lucid(
    "IMG-PINNED", demand="content.pinned", severity="medium", remedy="Name a version as its tag, or a digest."
)
def test_reference_is_pinned(lucid_image: Image) -> None:
    """The image is named by a digest or a version: `latest` is another image tomorrow."""
    tag = lucid_image.reference.rpartition("/")[2].partition("@")[0].partition(":")[2]
    assert "@" in lucid_image.reference or tag not in {"", "latest"}, f"{lucid_image.reference} may be any version"


@pytest.mark.lucid(
    "IMG-PATH",
    demand="content.scripts",
    severity="low",
    remedy="Start PATH with the directory of the installed console scripts.",
)
def test_path_starts_with_installed_scripts(lucid_content: ImagePolicy, lucid_image: Image) -> None:
    """PATH begins with the folder of the service's own programs, ahead of those of the base."""
    path = lucid_image.environment.get("PATH", "")
    assert path, "the image sets no PATH"
    first = path.split(":")[0]
    assert f"{first}/".startswith(f"{lucid_content.scripts}/"), f"PATH starts with {first}"


@pytest.mark.lucid(
    "IMG-LABELS", demand="labels", severity="low", remedy="Give every label of the matrix a value in the final stage."
)
def test_labels_are_not_empty(lucid_service: Service, lucid_image: Image) -> None:
    """The labels state what the image is, who made it and from which commit."""
    empty = [name for name in lucid_service.labels or () if not lucid_image.labels.get(name, "").strip()]
    assert not empty


@pytest.mark.lucid(
    "IMG-IDENTITY",
    demand="cluster",
    severity="medium",
    remedy="Set phase, cluster and service labels as in the matrix.",
)
def test_labels_name_the_service(lucid_service: Service, lucid_image: Image) -> None:
    """Phase, cluster and service of the labels are those of the matrix, so that images cannot be confused."""
    claimed = {name: lucid_image.labels.get(name) for name in ("phase", "cluster", "service")}
    assert claimed == {
        "phase": str(lucid_service.phase),
        "cluster": lucid_service.cluster,
        "service": lucid_service.name,
    }


@pytest.mark.lucid(
    "IMG-HEALTH",
    demand="health.interval",
    severity="high",
    remedy="Add HEALTHCHECK in exec form, with the path and the times of the matrix.",
)
def test_health_check_asks_the_service(
    lucid_service: Service, lucid_health_demand: Health, lucid_image: Image, lucid_inventory: Inventory
) -> None:
    """The health check needs no shell, and asks the service's own port and path: otherwise it proves nothing."""
    check = lucid_image.health_check
    assert check is not None, "the image has no health check"
    assert check.is_exec, f"{check.test[0]} needs a shell"
    wanted = lucid_health_demand
    assert (check.interval, check.timeout, check.retries) == (wanted.interval, wanted.timeout, wanted.retries)
    ports = {port.number for port in lucid_service.ports or ()}
    problems = list(probe_problems(check.test[1:], lucid_inventory, ports, wanted.path))
    assert not problems, f"the health check {' '.join(check.test[1:])}: {'; '.join(problems)}"


@pytest.mark.lucid(
    "IMG-TRON", severity="critical", remedy="Remove the variable; the rule in the matrix says whose it is."
)
def test_environment_is_free_of_tron(lucid_service: Service, lucid_image: Image, lucid_vocabulary: Vocabulary) -> None:
    """No variable of the image names what the matrix forbids to the service, such as TRON."""
    assert lucid_image.environment, "the variables cannot be seen"
    assert not lucid_vocabulary.variables(lucid_image.environment, knows_url=lucid_service.knows_payment_url)


@pytest.mark.lucid(
    "IMG-ARCH", severity="critical", remedy="Build it on, or with --platform for, the host that runs it."
)
def test_architecture_is_the_hosts(lucid_image: Image, lucid_architecture: str) -> None:
    """The image is for the architecture of its host, or for the one that the matrix asks for."""
    assert lucid_image.architecture == lucid_architecture


@pytest.mark.lucid(
    "IMG-VERSION",
    demand="content.provenance",
    severity="low",
    remedy="Give VERSION as a build argument: numbers with dots.",
)
def test_version_is_plausible(lucid_image: Image) -> None:
    """The version label is a comparable version, and equals the version that the service reports."""
    version = lucid_image.labels.get("version", "")
    assert re.fullmatch(r"\d+\.\d+(?:\.\d+)*(?:[-.+]?[a-z0-9]+(?:[-.+][a-z0-9]+)*)?", version), f"version {version!r}"
    assert lucid_image.environment.get("SERVICE_VERSION", version) == version


@pytest.mark.lucid(
    "IMG-COMMIT",
    demand="content.provenance",
    severity="low",
    remedy="Give GIT_COMMIT as a build argument: the commit's whole hash.",
)
def test_commit_is_plausible(lucid_image: Image) -> None:
    """The commit label is a Git hash, so that the image leads to its sources."""
    commit = lucid_image.labels.get("git_commit", "")
    if commit == "unknown":
        pytest.skip("the image says that it was built outside a git checkout")
    assert re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit), f"git_commit {commit!r}"
    assert len(set(commit)) > 1, f"git_commit {commit!r}"


@pytest.mark.lucid(
    "IMG-CREATED",
    demand="labels",
    severity="low",
    remedy="Set the clock of the build host, and BUILD_DATE as ISO 8601 has it.",
)
def test_dates_are_not_in_the_future(lucid_service: Service, lucid_image: Image) -> None:
    """The image was built in the past, and its label has the time in ISO 8601."""
    latest = dt.datetime.now(dt.timezone.utc) + CLOCK_SKEW
    assert lucid_image.created is not None, "the image does not say when it was built"
    assert lucid_image.created <= latest
    labelled = lucid_image.labels.get("build_date", "")
    if labelled != "unknown" and "build_date" in (lucid_service.labels or ()):
        built = read_time(labelled)
        assert built is not None, f"build_date {labelled!r}"
        assert built <= latest


@pytest.mark.lucid(
    "IMG-VOLUME",
    demand="storage",
    severity="medium",
    remedy="Remove VOLUME; name the volumes where the stack is described.",
)
def test_volumes_are_those_of_the_matrix(lucid_service: Service, lucid_image: Image) -> None:
    """The image declares no volume but the service's storage: the engine creates any other one at every start."""
    assert lucid_image.volumes <= set(lucid_service.volumes.values())


@pytest.mark.lucid(
    "IMG-STOP", demand="content.stop_signal", severity="medium", remedy="Leave STOPSIGNAL out, or set it to SIGTERM."
)
def test_stop_signal_is_sigterm(lucid_content: ImagePolicy, lucid_image: Image) -> None:
    """The engine stops the service with the signal that the services obey."""
    wanted = str(lucid_content.stop_signal)
    number = getattr(signal, wanted, None)
    assert lucid_image.stop_signal in (wanted, str(int(number)) if number else wanted)


@pytest.mark.lucid(
    "IMG-SIZE",
    demand="content.size_mib",
    severity="low",
    remedy="Copy only what runs into the final stage, or raise the budget.",
)
def test_size_is_within_budget(lucid_content: ImagePolicy, lucid_image: Image) -> None:
    """The image is within its size budget: a Pi pulls the image over a home connection."""
    assert lucid_image.size, "the image does not say how large it is"
    assert lucid_image.size <= (lucid_content.size_mib or 0) * MIB


@pytest.mark.lucid(
    "IMG-LAYERS", demand="content.layers", severity="low", remedy="Join the COPY instructions of the final stage."
)
def test_layers_are_within_budget(lucid_content: ImagePolicy, lucid_image: Image, lucid_base_layers: int) -> None:
    """The image adds no more layers to its base than its budget: each layer has to be pulled, checked and cached."""
    own = len(lucid_image.layers) - lucid_base_layers
    assert 0 < own <= (lucid_content.layers or 0), f"{own} layers above the base; budget {lucid_content.layers}"
