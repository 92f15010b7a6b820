from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from machine import NAME, Machine
from runs import SUITE
from wiring import THERE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Ran

    Run = Callable[..., Ran]

NOWHERE = "10.78.0.77"
# A dead address is noticed after ConnectTimeout; the rest is starting pytest.
SOON_SECONDS = 25


def refused(ran: Ran, *words: str) -> None:
    """The run ended with one message and pytest's usage error."""
    assert ran.code == pytest.ExitCode.USAGE_ERROR, ran.output
    assert ran.output.count("ERROR: ") == 1, ran.output
    assert "Traceback" not in ran.output
    for word in words:
        assert word in ran.output


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("IdentityFile {folder}/wrong", ["does not accept the key", "ssh-copy-id", "Permission denied"]),
        ("UserKnownHostsFile /dev/null", ["host key is not known here", "Host key verification failed"]),
        ("Port 2", ["no SSH server listens there", "Connection refused"]),
        (f"HostName {NOWHERE}", ["does not answer"]),
        ("HostName nowhere.invalid", ["does not resolve"]),
    ],
    ids=["wrong key", "unknown host key", "no server", "down", "unknown name"],
)
def test_host_that_ssh_does_not_reach(
    run: Run, machine: Machine, ssh_config: Path, config: str, words: list[str]
) -> None:
    text = ssh_config.read_text()
    if "IdentityFile" in config:
        text = text.replace(f"IdentityFile {machine.folder / 'id'}", "")
    ssh_config.write_text(f"Host {NAME}\n  {config.format(folder=machine.folder)}\n\n{text}")
    started = time.monotonic()
    refused(run(SUITE), NAME, *words)
    assert time.monotonic() - started < SOON_SECONDS


def test_changed_host_key(run: Run, machine: Machine, ssh_config: Path) -> None:
    other = (machine.folder / "wrong.pub").read_text().rsplit(" ", 1)[0]
    (machine.folder / "other_hosts").write_text(f"{NAME} {other}\n")
    ssh_config.write_text(
        f"Host {NAME}\n  UserKnownHostsFile {machine.folder / 'other_hosts'}\n\n{ssh_config.read_text()}"
    )
    refused(run(SUITE), "host key is not that in known_hosts", f"ssh-keygen -R {NAME}")


@pytest.mark.parametrize(
    "host", ["-oProxyCommand=touch /tmp/owned", "pi;id", "ssh://-oProxyCommand=x/", "a b", "$(id)"]
)
def test_hostile_host(run: Run, host: str) -> None:
    refused(run(SUITE, host=host), "cannot be a host")


def test_one_engine_under_two_names(run: Run, machine: Machine) -> None:
    refused(run(SUITE, host=f"{NAME},{machine.engine}"), "are the same engine")


def test_all_unreachable_hosts_are_named(run: Run) -> None:
    refused(run(SUITE, host="one.invalid,two.invalid"), "one.invalid: its name", "two.invalid: its name")


def test_engine_over_a_network_without_tls(run: Run) -> None:
    refused(run(SUITE, host=f"tcp://{THERE}:2375"), "without TLS")


def test_user_who_may_not_use_the_engine(run: Run, machine: Machine) -> None:
    machine.run("chgrp", "root", "/var/run/docker.sock")
    try:
        refused(run(SUITE), "may not use /var/run/docker.sock", "usermod -aG docker")
    finally:
        machine.run("chgrp", "docker", "/var/run/docker.sock")


def test_full_disk(run: Run, machine: Machine) -> None:
    machine.run(
        "sh",
        "-c",
        "fallocate -l $(df -Pk /var/lib/docker | tail -1 | tr -s ' ' | cut -d' ' -f4)K /var/lib/docker/full || true",
    )
    try:
        refused(run(SUITE), "its disk is full", "docker system prune")
    finally:
        machine.run("rm", "-f", "/var/lib/docker/full")


@pytest.mark.usefixtures("stack")
def test_connection_that_breaks_once_is_mended(run: Run, breaking: Callable[[str], str]) -> None:
    ran = run(breaking("machine.end('sshd-session')"))
    assert ran.code == 0, ran.output
    assert len(ran.cases) == 6


@pytest.mark.usefixtures("stack")
def test_host_that_is_lost_makes_errors_of_the_cells_concerned(
    run: Run, machine: Machine, breaking: Callable[[str], str]
) -> None:
    try:
        ran = run(breaking("machine.end('sshd', 'sshd-session')"))
    finally:
        machine.start("/usr/sbin/sshd")
    assert ran.code == pytest.ExitCode.TESTS_FAILED, ran.output
    broken = [case for case in ran.cases if case.find("failure") is not None]
    assert (len(ran.cases), len(broken)) == (6, 4)
    assert all("was lost in the middle of the run" in (case.findtext("failure") or "") for case in broken)
    assert "DRIFT  . . E E E E" in ran.output
