"""What a sidecar sees of its target, without an engine: commands, namespaces and profiles."""

from __future__ import annotations

import re

import pytest

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.placement import Placement


def placement(**host: object) -> Placement:
    return Placement.of(
        "box",
        {
            "Id": "a" * 64,
            "HostConfig": {"IpcMode": "private", **host},
            "State": {"Pid": 7, "StartedAt": ""},
            "Config": {"WorkingDir": "", "Env": None},
        },
    )


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("cat /proc/self/status", "cat /proc/1/status"),
        ("cat /proc/thread-self/status", "cat /proc/1/status"),
        ("grep x /proc/mounts /etc/mtab", "grep x /proc/1/mounts /proc/1/mounts"),
        ("cat /proc/selfish /proc/12/mounts /x/etc/mtab", "cat /proc/selfish /proc/12/mounts /x/etc/mtab"),
        ("cat /proc//self/status /proc/./self/status", "cat /proc/1/status /proc/1/status"),
        (
            "cat /proc/1/task/*/stat /proc/[1-9]x",
            "_refuse /proc 'wildcards for processes, where its own are, too' host.process",
        ),
        ("cat /proc/1/task/*/stat", "cat /proc/1/task/*/stat"),
        ("exec 3</etc/passwd; cat <&3", "exec 3</etc/passwd; cat <&3"),
        ("uname -s", "uname -s"),
        ("ls /dev/fd /dev/fd/3 /x/dev/fd /dev/fd0", "ls /proc/1/fd /proc/1/fd/3 /x/dev/fd /dev/fd0"),
        ("echo $PATH ${PATH%%:*} $PATHS \\$PATH", "echo $_target_path ${_target_path%%:*} $PATHS \\$PATH"),
        ("test -L /etc/mtab && cat /etc/mtab", "test -L /etc/mtab && cat /proc/1/mounts"),
        ("[ -h '/proc/self' ]; readlink /dev/fd", "[ -h '/proc/self' ]; readlink /dev/fd"),
        ("readlink /proc/self/exe; readlink -f /etc/mtab", "readlink /proc/1/exe; readlink -f /proc/1/mounts"),
        ("set -e; export A=b; [[ -e a && -d w ]]", "set -e; export A=b; [[ -e a && -d w ]]"),
        ("[[ -e /tmp && a = b ]] && test -w /tmp", "[[ -e /tmp && a = b ]] && test -w /tmp"),
    ],
)
def test_the_asking_process_is_the_first_one(asked: str, seen: str) -> None:
    assert placement().seen(asked) == seen


@pytest.mark.parametrize(
    ("asked", "host", "message"),
    [
        ("sysctl -n kernel.msgmax", {}, "--ipc shareable"),
        ("cat /proc/sys/fs/mqueue/msg_max", {}, "--ipc shareable"),
        ("cat /proc/self/cgroup", {}, "--cgroupns host"),
        ("hostname", {"Privileged": True}, "UTS"),
        ("uname -n", {"CapAdd": ["CAP_SYS_ADMIN"]}, "UTS"),
        ("cat 'a\0b'", {}, "NUL"),
    ],
)
def test_what_cannot_be_seen_is_an_error(asked: str, host: dict[str, object], message: str) -> None:
    with pytest.raises(EngineError, match=re.escape(message)):
        placement(**host).seen(asked)


@pytest.mark.parametrize(
    "asked",
    [
        "ls -d /proc/[0-9]*",
        "cat /proc/*/comm",
        "cat /proc/$$/status",
        "cat /proc/${PPID}/comm",
        "true; exec id -u",
        "set",
        "true; export",
        "export -p | cat",
        "[[ -w /tmp ]]",
        "[[ -e a || ! -x b ]]",
    ],
)
def test_the_sidecars_own_processes_are_not_asked(asked: str) -> None:
    assert placement().seen(asked).startswith("_refuse ")


@pytest.mark.parametrize(
    ("profile", "security"),
    [
        (None, ()),
        ("", ()),
        ("docker-default", ()),
        ("unconfined", ("apparmor=unconfined",)),
        ("own", ("apparmor=own",)),
    ],
)
def test_a_sidecar_is_under_the_profile_of_its_target(profile: str | None, security: tuple[str, ...]) -> None:
    document = {"HostConfig": {}, "Id": "a", "State": {"Pid": 7, "StartedAt": ""}, "Config": {}}
    if profile is not None:
        document["AppArmorProfile"] = profile
    assert Placement.of("box", document).security == security


def test_namespaces_are_joined_where_that_can_be() -> None:
    assert placement(IpcMode="shareable").options == {"ipc_mode": f"container:{'a' * 64}"}
    assert placement(IpcMode="host", UTSMode="host", CgroupnsMode="host", UsernsMode="host").options == {
        "ipc_mode": "host",
        "uts_mode": "host",
        "cgroupns": "host",
        "userns_mode": "host",
    }
    assert placement(IpcMode="shareable").seen("sysctl kernel.shmmni") == "sysctl kernel.shmmni"
    for mode in ("host", "container:other"):
        with pytest.raises(EngineError, match="without --pid"):
            placement(PidMode=mode)
