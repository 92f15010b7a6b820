"""What a container was told beyond image and matrix, and what an engine writes into its document by itself."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.content.forbidden import Vocabulary
from pytest_lucid.engine.connection import Defaults
from pytest_lucid.image.config import Image
from pytest_lucid.inspect.container import Container
from pytest_lucid.inspect.creation import (
    alias_differences,
    mount_differences,
    probe_differences,
    program_differences,
    resolver_differences,
    setting_differences,
    variable_differences,
)
from pytest_lucid.inspect.steering import steering
from pytest_lucid.inspect.volumes import Volume
from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    Document = dict[str, Any]
    Change = Callable[[Document], object]

MATRIX = load_matrix(None)
FORBIDDEN = Vocabulary(MATRIX.forbidden_words(), MATRIX.known_hosts, MATRIX.forbidden_networks)
NAME = "lucid-data-chain"
(SERVICE,) = MATRIX.select((NAME,))
SECOND = 1_000_000_000
CONFIG: Document = {
    "Env": ["PATH=/usr/bin", "SERVICE_NAME=lucid-data-chain", "PORT=8087", "LOG_LEVEL=INFO", "PYTHONPATH=/app"],
    "Entrypoint": ["/usr/bin/python3", "-m", "lucid_data_chain"],
    "WorkingDir": "/home/nonroot",
    "Healthcheck": {"Test": ["CMD", "/probe"], "Interval": 30 * SECOND, "Timeout": 10 * SECOND, "Retries": 3},
}
IMAGE = Image("lucid-data-chain:latest", {"Config": CONFIG})
VOLUMES = {path: name for name, path in SERVICE.volumes.items()}
# As Docker 20.10 writes it.
HEALTHY: Document = {
    "Id": "0123456789abcdef" * 4,
    "Path": "/usr/bin/python3",
    "Args": ["-m", "lucid_data_chain"],
    "Config": {**CONFIG, "Hostname": NAME, "Domainname": ""},
    "HostConfig": {
        "CgroupnsMode": "private",
        "Devices": None,
        "Dns": None,
        "ExtraHosts": None,
        "GroupAdd": None,
        "LogConfig": {"Type": "json-file", "Config": {}},
        "MaskedPaths": [
            "/proc/acpi",
            "/proc/kcore",
            "/proc/keys",
            "/proc/timer_list",
            "/proc/sched_debug",
            "/sys/firmware",
        ],
        "MemorySwap": 268435456,
        "OomKillDisable": False,
        "OomScoreAdj": 0,
        "ReadonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
        "Runtime": "runc",
        "SecurityOpt": ["no-new-privileges:true"],
        "Tmpfs": {"/tmp": "rw,noexec,nosuid"},
        "Ulimits": None,
    },
    "Mounts": [{"Type": "volume", "Name": VOLUMES[path], "Destination": path} for path in SERVICE.storage or ()],
    "NetworkSettings": {"Networks": {"lucid-dev": {"Aliases": ["0123456789ab", NAME], "IPAddress": "172.20.0.4"}}},
}


def container(change: Change = lambda _: None, name: str = NAME) -> Container:
    """The healthy container, but for `change`."""
    document = deepcopy(HEALTHY)
    change(document)
    return Container(name, document)


def host(**options: Any) -> Change:
    """Set options of the container's host side."""
    return lambda document: document["HostConfig"].update(options)


def config(**options: Any) -> Change:
    """Set options of the container itself."""
    return lambda document: document["Config"].update(options)


def findings(change: Change, defaults: Defaults = Defaults(), *others: Container) -> list[str]:  # noqa: B008 - immutable
    """Everything that is found of a container with `change`."""
    subject = container(change)
    containers = [subject, *others]
    return [
        *program_differences(subject, IMAGE),
        *probe_differences(subject, IMAGE),
        *variable_differences(subject, IMAGE, SERVICE, FORBIDDEN),
        *mount_differences(containers, subject, SERVICE, {}),
        *resolver_differences(subject, MATRIX),
        *setting_differences(containers, subject, SERVICE, defaults),
        *alias_differences(containers, "lucid-dev"),
    ]


def newest(document: Document) -> None:
    """As Docker 29 writes it: what is not set is left out, names of DNS stand apart, and more paths are masked."""
    kept = document["HostConfig"]
    document["HostConfig"] = {key: value for key, value in kept.items() if value not in (None, "", [], 0, False)}
    document["HostConfig"]["MaskedPaths"] = [*kept["MaskedPaths"], "/proc/interrupts", "/sys/devices/virtual/powercap"]
    endpoint = document["NetworkSettings"]["Networks"]["lucid-dev"]
    endpoint.update(Aliases=None, DNSNames=[NAME, "0123456789ab"])
    document["Config"]["StopSignal"] = "SIGTERM"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        newest,
        host(RestartPolicy={"Name": "no"}),
        host(RestartPolicy=None),
        host(LogConfig={"Type": "local", "Config": {"max-size": "10m"}}),
        host(OomScoreAdj=100),
        host(MaskedPaths=None, ReadonlyPaths=None),
        host(SecurityOpt=["no-new-privileges"]),
        host(SecurityOpt=None),
        host(Tmpfs={"/tmp": "", "/var/tmp": ""}),
        host(Sysctls={}, Devices=[], ExtraHosts=[], Dns=[]),
        config(Healthcheck={**CONFIG["Healthcheck"], "Interval": 2 * SECOND, "StartPeriod": 60 * SECOND}),
        config(Env=[*CONFIG["Env"]][::-1]),
        config(WorkingDir="/home/nonroot", Hostname="0123456789ab"),
    ],
)
def test_what_engines_write_by_themselves_is_no_finding(change: Change) -> None:
    assert findings(change) == []


@pytest.mark.parametrize(
    ("change", "defaults"),
    [
        (host(Runtime="crun"), Defaults(runtime="crun")),
        (host(LogConfig={"Type": "awslogs"}), Defaults(logging="awslogs")),
        (host(CgroupnsMode="host"), Defaults(cgroups="1")),
    ],
)
def test_defaults_of_the_engine_are_no_finding(change: Change, defaults: Defaults) -> None:
    assert findings(change, defaults) == []
    assert len(findings(change, Defaults())) == 1


def test_a_limit_that_all_have_is_the_engine_s() -> None:
    limited = host(Ulimits=[{"Name": "nofile", "Soft": 1024, "Hard": 4096}])
    other = container(lambda document: (limited(document), document.update(Mounts=[])), "consul")
    other.document["NetworkSettings"]["Networks"].clear()  # type: ignore[index]  # it is there
    assert findings(limited, Defaults(), other) == []
    assert findings(limited) == ["limit nofile 1024:4096; expected none"]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (lambda d: d.update(Path="/bin/other"), "the program is /bin/other -m lucid_data_chain; the image gives"),
        (lambda d: d.update(Args=[]), "the program is /usr/bin/python3; the image gives"),
        (config(WorkingDir="/tmp"), "the working directory is /tmp; the image gives /home/nonroot"),
        (config(StopSignal="SIGKILL"), "the stop signal is SIGKILL; the image gives SIGTERM"),
        (config(Healthcheck={"Test": ["NONE"]}), "there is no health check"),
        (config(Healthcheck={**CONFIG["Healthcheck"], "Test": ["CMD", "/true"]}), "it runs CMD /true"),
        (config(Healthcheck={**CONFIG["Healthcheck"], "Interval": 60 * SECOND}), "it asks every 60 s"),
        (config(Healthcheck={**CONFIG["Healthcheck"], "Timeout": SECOND}), "it waits 1 s"),
        (config(Healthcheck={**CONFIG["Healthcheck"], "Retries": 99}), "it fails after 99 tries"),
        (config(Env=[*CONFIG["Env"], "LD_PRELOAD=/x.so"]), "LD_PRELOAD"),
        (config(Env=["PATH=/evil", *CONFIG["Env"][1:]]), "PATH"),
        (host(Tmpfs={"/tmp": "", "/app": ""}), "/app: tmpfs"),
        (lambda d: d["Mounts"].append({"Type": "bind", "Source": "/etc", "Destination": "/x"}), "/x: bind /etc"),
        (host(Dns=["192.0.2.1"]), "DNS servers: 192.0.2.1"),
        (host(ExtraHosts=["consul:192.0.2.1"]), "entries in /etc/hosts: consul:192.0.2.1"),
        (config(Hostname="consul"), "its own name is consul"),
        (config(Hostname="consul", Domainname="lan"), "its own name is consul"),
        (host(OomKillDisable=True), "the OOM killer switched off: True; expected none"),
        (host(OomScoreAdj=-1), "place in the OOM killer's order: -1"),
        (host(MaskedPaths=[]), "masked paths: nothing"),
        (host(SecurityOpt=["no-new-privileges:true", "apparmor=unconfined"]), "security option apparmor=unconfined"),
        (host(RestartPolicy={"Name": "always"}), "the restart policy is 'always'; the matrix requires 'no'"),
        (host(LogConfig={"Type": "gelf"}), "log driver gelf"),
        (host(Runtime="other"), "runtime: other"),
        (lambda d: d["NetworkSettings"]["Networks"]["lucid-dev"].update(DNSNames=["consul"]), "answers to consul, too"),
    ],
)
def test_what_somebody_asked_for_is_one_finding(change: Change, answer: str) -> None:
    (found,) = findings(change)
    assert answer in found


def test_a_volume_is_of_one_service_and_no_folder_of_the_host() -> None:
    def judged(*containers: Container, **volumes: Volume) -> list[str]:
        return mount_differences(containers, containers[0], SERVICE, volumes)

    def renamed(document: Document) -> None:
        document["Mounts"][0]["Name"] = "shared"

    subject = container()
    # What the matrix calls this service's own is not its fault; whoever else mounts it is accused.
    assert judged(subject, container(name="lucid-block-manager")) == []
    assert judged(container(renamed), container(renamed, "lucid-block-manager")) == [
        "volume shared is mounted by lucid-block-manager, too"
    ]
    name = VOLUMES["/data/chunks"]
    assert judged(subject, **{name: Volume("local")}) == []
    special = Volume("local", {"type": "none", "device": "/etc"})
    assert judged(subject, **{name: special}) == [f"/data/chunks: volume {name} is driver=local device=/etc type=none"]
    assert len(judged(subject, **{name: Volume("nfs")})) == 1


def test_a_secret_of_the_matrix_is_no_stranger_and_no_value_is_told() -> None:
    (gateway,) = MATRIX.select(("lucid-api-gateway",))
    change = config(Env=[*CONFIG["Env"], "JWT_SECRET=hush", "TRON_PAYMENT_URL=http://lucid-payment:1", "OTHER=hush"])
    image = Image("i", {"Config": CONFIG})
    found = variable_differences(container(change), image, gateway, FORBIDDEN)
    assert {name: how for name, how in found.items() if name not in {"SERVICE_NAME", "PORT"}} == {
        "OTHER": "is given by neither image nor matrix"
    }
    assert "hush" not in str(found)


@pytest.mark.parametrize(
    "name", ["LD_AUDIT", "ld_preload", "PYTHONHOME", "HTTP_PROXY", "all_proxy", "GLIBC_TUNABLES", "ENV"]
)
def test_steering_names(name: str) -> None:
    assert steering([name]) == [name]


@pytest.mark.parametrize("name", ["PROXY", "LDAP_URL", "MY_PATH", "ENVIRONMENT", "HOMEPAGE", "SERVICE_PYTHON", "LD"])
def test_names_that_merely_resemble_them(name: str) -> None:
    assert steering([name]) == []
