from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from machine import NAME, Machine
from ran import says, unreached
from runs import SUITE
from wiring import THERE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ran import Ran

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
    ("fault", "config"),
    [
        ("wrong key", "IdentityFile {folder}/wrong"),
        ("unknown host key", "UserKnownHostsFile /dev/null"),
        ("no SSH server", "Port 2"),
        ("host down", f"HostName {NOWHERE}"),
        ("unknown name", "HostName nowhere.invalid"),
    ],
)
def test_host_that_ssh_does_not_reach(run: Run, machine: Machine, ssh_config: Path, fault: str, config: str) -> None:
    text = ssh_config.read_text()
    if "IdentityFile" in config:
        text = text.replace(f"IdentityFile {machine.folder / 'id'}", "")
    ssh_config.write_text(f"Host {NAME}\n  {config.format(folder=machine.folder)}\n\n{text}")
    started = time.monotonic()
    ran = run(SUITE)
    refused(ran)
    says(ran, fault)
    assert time.monotonic() - started < SOON_SECONDS


def test_changed_host_key(run: Run, machine: Machine, ssh_config: Path) -> None:
    other = (machine.folder / "wrong.pub").read_text().rsplit(" ", 1)[0]
    (machine.folder / "other_hosts").write_text(f"{NAME} {other}\n")
    ssh_config.write_text(
        f"Host {NAME}\n  UserKnownHostsFile {machine.folder / 'other_hosts'}\n\n{ssh_config.read_text()}"
    )
    says(run(SUITE), "changed host key")


@pytest.mark.parametrize(
    "host", ["-oProxyCommand=touch /tmp/owned", "pi;id", "ssh://-oProxyCommand=x/", "a b", "$(id)"]
)
def test_hostile_host(run: Run, host: str) -> None:
    refused(run(SUITE, host=host), "is no valid host")


def test_one_engine_under_two_names(run: Run, machine: Machine) -> None:
    refused(run(SUITE, host=f"{NAME},{machine.engine}"), "are the same engine")


def test_all_unreachable_hosts_are_named(run: Run) -> None:
    refused(run(SUITE, host="one.invalid,two.invalid"), "one.invalid: the name", "two.invalid: the name")


def test_engine_over_a_network_without_tls(run: Run) -> None:
    refused(run(SUITE, host=f"tcp://{THERE}:2375"), "without TLS")


def test_user_who_may_not_use_the_engine(run: Run, machine: Machine) -> None:
    machine.run("chgrp", "root", "/var/run/docker.sock")
    try:
        says(run(SUITE), "may not use the engine")
    finally:
        machine.run("chgrp", "docker", "/var/run/docker.sock")


def test_full_disk(run: Run, machine: Machine) -> None:
    # Not to the last byte: fallocate takes all or nothing, and the engine may write meanwhile.
    free = "$(df -Pk /var/lib/docker | tail -1 | tr -s ' ' | cut -d' ' -f4)"
    machine.run("sh", "-c", f"fallocate -l $(({free} - 900))K /var/lib/docker/full")
    try:
        says(run(SUITE), "disk full")
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
    says(ran, "sshd killed in the middle")
    broken = [case for case in ran.cases if case.find("failure") is not None]
    assert (len(ran.cases), len(broken)) == (6, 4)
    assert all("was lost during the run" in (case.findtext("failure") or "") for case in broken)
    assert unreached(ran) == (1, 3), ran.output
