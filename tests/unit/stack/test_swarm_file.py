"""The stack for `docker stack deploy`: what it says of each demand, and what Docker's own readers make of it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pytest_lucid.__main__ import main
from pytest_lucid.derive.compose_file import read_compose
from pytest_lucid.errors import ConfigError
from pytest_lucid.matrix import load_matrix
from pytest_lucid.stack.swarm_file import write_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SWARM = '[stack]\nengine = "swarm"\n'
ALONE = f'extends = "nothing"\n{SWARM}[[service]]\nname = "web"\nimage = "web:1"\n'


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    """What a lucid.toml of this text becomes: the text of the stack."""

    def written(text: str) -> str:
        file = tmp_path / "lucid.toml"
        file.write_text(text, "utf-8")
        return write_stack(load_matrix(file))

    return written


@pytest.fixture
def stack(written: Callable[[str], str]) -> Callable[[str], Any]:
    """The stack as data."""
    return lambda text: yaml.safe_load(written(text))


def flat(text: str) -> str:
    """The comments as one line."""
    return " ".join(line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#"))


def test_phase_2_keeps_its_hardening_and_limits(stack: Callable[[str], Any]) -> None:
    document = stack(SWARM)
    assert next(iter(document["services"])) == "consul"
    assert len(document["services"]) == 7
    for service in document["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert {"type": "tmpfs", "target": "/tmp", "tmpfs": {"size": 16 * 1024 * 1024}} in service["volumes"]  # noqa: S108 - inside the container
        assert service["deploy"]["resources"]["limits"] == (
            {"memory": "256M", "pids": 128}
            if service is document["services"]["consul"]
            else {"memory": "256M", "pids": 64}
        )
        assert service["networks"] == ["lucid-dev"]
    assert document["networks"]["lucid-dev"] == {
        "name": "lucid-dev", "driver": "overlay", "ipam": {"config": [{"subnet": "172.20.0.0/16"}]},
    }  # fmt: skip


def test_consul_is_never_published(stack: Callable[[str], Any]) -> None:
    assert "ports" not in stack(SWARM)["services"]["consul"]


def test_internal_ports_are_not_published(stack: Callable[[str], Any]) -> None:
    published = [port["published"] for port in stack(SWARM)["services"]["lucid-blockchain-engine"]["ports"]]
    assert published == [8084]


def test_the_certificate_comes_from_configs_and_a_secret_for_its_group_alone(stack: Callable[[str], Any]) -> None:
    document = stack(SWARM)
    gateway = document["services"]["lucid-api-gateway"]
    key = {"source": "lucid-api-gateway-key.pem", "target": "/run/lucid/tls/key.pem", "uid": "0", "gid": "65532"}
    assert gateway["secrets"] == [{**key, "mode": 0o440}]
    assert [each["target"] for each in gateway["configs"]] == ["/run/lucid/tls/ca.pem", "/run/lucid/tls/cert.pem"]
    assert document["secrets"]["lucid-api-gateway-key.pem"]["external"] is True
    # The volume that the bring-up puts the certificate into is not there.
    assert not any("tls" in name for name in document["volumes"])


def test_no_value_of_a_secret_variable_is_written(stack: Callable[[str], Any]) -> None:
    environment = stack(SWARM)["services"]["lucid-api-gateway"]["environment"]
    assert environment == {"JWT_SECRET": "${JWT_SECRET:?export JWT_SECRET before the stack is deployed}"}


def test_replicas_go_to_nodes_of_their_own_where_the_row_allows(stack: Callable[[str], Any]) -> None:
    text = f'{ALONE}replicas = 2\nplacement = ["node.labels.disk==ssd"]\n[image]\narchitecture = "arm64"\n'
    deploy = stack(text)["services"]["web"]["deploy"]
    assert deploy["replicas"] == 2
    assert deploy["placement"] == {
        "constraints": ["node.platform.arch == aarch64", "node.labels.disk==ssd"], "max_replicas_per_node": 1,
    }  # fmt: skip


def test_one_task_may_go_anywhere(stack: Callable[[str], Any]) -> None:
    assert "placement" not in stack(ALONE)["services"]["web"]["deploy"]


def test_a_sick_update_is_rolled_back(stack: Callable[[str], Any]) -> None:
    text = f"{ALONE}[health]\ninterval = 5\ntimeout = 2\nretries = 3\nstart_period = 10\n"
    deploy = stack(text)["services"]["web"]["deploy"]
    assert deploy["update_config"]["failure_action"] == "rollback"
    assert deploy["rollback_config"]["failure_action"] == "pause"
    # Shorter than this, a task that never gets healthy would pass.
    assert deploy["update_config"]["monitor"] == "31s"


@pytest.mark.parametrize(
    ("row", "order"),
    [("", "start-first"), ('storage = ["/data"]', "stop-first"), ("replicas = 2", "stop-first")],
    ids=["alone", "with storage", "one a node"],
)
def test_a_new_task_starts_first_only_where_both_can_run(stack: Callable[[str], Any], row: str, order: str) -> None:
    assert stack(f"{ALONE}{row}\n")["services"]["web"]["deploy"]["update_config"]["order"] == order


HOST = ALONE.replace(SWARM, f'{SWARM}publish = "host"\n')


def test_ports_of_the_host_need_no_address_of_the_service(stack: Callable[[str], Any]) -> None:
    web = stack(f'{HOST}ports = ["80:80"]\n')["services"]["web"]
    assert web["ports"] == [{"target": 80, "published": 80, "protocol": "tcp", "mode": "host"}]
    assert web["deploy"]["endpoint_mode"] == "dnsrr"
    # The old task has the port until it ends.
    assert web["deploy"]["update_config"]["order"] == "stop-first"


def test_what_publishes_nothing_starts_first_there_too(stack: Callable[[str], Any]) -> None:
    assert stack(HOST)["services"]["web"]["deploy"]["update_config"]["order"] == "start-first"


def test_who_asks_is_lost_in_the_mesh_alone(written: Callable[[str], str]) -> None:
    lost = "count all clients as one"
    assert lost in flat(written(f'{ALONE}ports = ["80:80"]\n'))
    assert lost not in flat(written(f'{HOST}ports = ["80:80"]\n'))


@pytest.mark.parametrize(
    ("row", "condition"),
    [("", "any"), ('restart = "no"', "none"), ('restart = "on-failure"', "on-failure"), ('restart = "always"', "any")],
)
def test_a_task_is_replaced_unless_the_row_says_that_it_is_not(
    stack: Callable[[str], Any], row: str, condition: str
) -> None:
    deploy = stack(f"{ALONE}{row}\n")["services"]["web"]["deploy"]
    assert deploy["restart_policy"] == {"condition": condition}


def test_what_ends_is_a_job_and_never_updated(stack: Callable[[str], Any]) -> None:
    deploy = stack(f"{ALONE}once = true\n")["services"]["web"]["deploy"]
    assert deploy["mode"] == "replicated-job"
    assert "update_config" not in deploy


def test_networks_are_encrypted_and_internal_on_demand(stack: Callable[[str], Any]) -> None:
    text = ALONE.replace(SWARM, f'{SWARM}encrypted = true\n[network]\nname = "net"\ninternal = true\n')
    network = stack(text)["networks"]["net"]
    assert network == {"name": "net", "driver": "overlay", "driver_opts": {"encrypted": "true"}, "internal": True}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("", "Not kept: no-new-privileges"),
        ("", "Not kept: no swap beyond the memory limit"),
        ('ports = ["127.0.0.1:80:80"]', "Not kept: web on 127.0.0.1 only"),
        ('ports = ["80:80"]', "Otherwise: published ports answer on every address"),
        ('storage = ["/data"]', "Otherwise: volumes of web are on the node of its task"),
        ("once = true", "Otherwise: web is a job"),
        ('secrets = ["TOKEN"]', "Otherwise: whoever may ask a manager"),
        ('secrets = ["TOKEN"]', "Before: export TOKEN"),
    ],
)
def test_what_a_swarm_cannot_keep_is_said(written: Callable[[str], str], row: str, said: str) -> None:
    assert said in flat(written(f"{ALONE}{row}\n"))


@pytest.mark.parametrize("word", ["published ports", "volumes", "is a job", "secret variables", "order of `needs`"])
def test_nothing_is_said_of_what_the_matrix_does_not_ask(written: Callable[[str], str], word: str) -> None:
    assert word not in flat(written(ALONE))


def test_volumes_of_several_tasks_are_told_apart(written: Callable[[str], str]) -> None:
    text = f'{ALONE}storage = ["/data"]\nreplicas = 2\nplacement = ["node.labels.disk == ssd"]\n'
    assert "each of the 2 tasks of web has volumes of its own" in flat(written(text))


def test_storage_on_one_node_is_no_surprise(written: Callable[[str], str]) -> None:
    text = f'{ALONE}storage = ["/data"]\nplacement = ["node.hostname == pi"]\n'
    assert "volumes of web" not in flat(written(text))


def test_the_same_matrix_gives_the_same_file(written: Callable[[str], str]) -> None:
    assert written(SWARM) == written(SWARM)


def test_comments_are_not_wider_than_a_review(written: Callable[[str], str]) -> None:
    assert max(map(len, written(SWARM).splitlines())) <= 120


def test_a_matrix_without_a_stack_is_refused() -> None:
    with pytest.raises(ConfigError, match=r'write \[stack\] with engine = "swarm"'):
        write_stack(load_matrix(None))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[stack]\nengine = "kubernetes"', r"lucid.toml:2: stack.engine"),
        (f"{SWARM}replicas = 2", r"lucid.toml:3: stack.replicas: not a key"),
        (f"{ALONE}replicas = 0", r'service "web": replicas'),
        (f'{ALONE}placement = ["manager"]', r'service "web": placement.0'),
        (f'{ALONE}placement = ["node.role = manager"]', r'service "web": placement.0'),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "lucid.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=message):
        load_matrix(file)


def test_overlays_are_demanded_only_of_a_swarm(tmp_path: Path) -> None:
    file = tmp_path / "lucid.toml"
    file.write_text(SWARM, "utf-8")
    assert load_matrix(file).network_drivers == {"lucid-dev": "overlay"}
    assert load_matrix(None).network_drivers == {"lucid-dev": "bridge"}


def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lucid.toml").write_text(SWARM, "utf-8")
    assert main(["stack", f"--project={tmp_path}"]) == 0
    assert capsys.readouterr().out == write_stack(load_matrix(tmp_path / "lucid.toml"))


def test_the_command_names_the_file_that_it_misses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stack", f"--project={tmp_path}"]) == 4
    assert f"{tmp_path / 'lucid.toml'}: no such file" in capsys.readouterr().err


def _rich(written: Callable[[str], str]) -> str:
    """A stack with everything that can be in one."""
    job = "[[service]]\nname = 'job'\nimage = 'job:1'\nonce = true\n"
    rows = f"[[service]]\nname = 'lucid-api-gateway'\nreplicas = 2\n{job}"
    return written(f"{SWARM}encrypted = true\n{rows}")


def test_compose_reads_what_was_meant(
    written: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "s3")
    file = tmp_path / "stack.yaml"
    file.write_text(_rich(written), "utf-8")
    gateway = read_compose([file], "lucid")["services"]["lucid-api-gateway"]
    assert gateway["environment"] == {"JWT_SECRET": "s3"}
    assert gateway["deploy"]["placement"]["max_replicas_per_node"] == 1


@pytest.mark.skipif(not shutil.which("docker"), reason="there is no docker client here")
@pytest.mark.parametrize("given", [True, False], ids=["with its secret", "without"])
def test_docker_reads_what_it_would_deploy(
    written: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.delenv("JWT_SECRET", raising=False)
    if given:
        monkeypatch.setenv("JWT_SECRET", "s3")
    file = tmp_path / "stack.yaml"
    file.write_text(_rich(written), "utf-8")
    command = ["docker", "stack", "config", f"--compose-file={file}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if "is not a docker command" in done.stderr or "unknown command" in done.stderr:
        pytest.skip("this docker client cannot read a stack")
    assert (done.returncode == 0) is given, done.stderr
    if given:
        # What it does not support, it says; everything is supported.
        assert not done.stderr
        services = yaml.safe_load(done.stdout)["services"]
        assert services["lucid-api-gateway"]["deploy"]["placement"] == {"max_replicas_per_node": 1}
        assert services["lucid-api-gateway"]["cap_drop"] == ["ALL"]
    else:
        assert "export JWT_SECRET before the stack is deployed" in done.stderr
