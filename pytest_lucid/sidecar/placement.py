"""Which namespaces a target has, how its sidecar is placed in them, and what cannot be seen from there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

# What means the asking process, and so the sidecar; the first process of the target is meant.
ASKING = (
    (re.compile(r"/proc(?:/+\.)*/+(?:thread-)?self(?![\w-])"), "/proc/1"),
    (re.compile(r"(?<![\w/])/proc/mounts(?!\w)"), "/proc/1/mounts"),
    (re.compile(r"(?<![\w/])/etc/mtab(?!\w)"), "/proc/1/mounts"),
    (re.compile(r"(?<![\w/])/dev/fd(?!\w)"), "/proc/1/fd"),
    (re.compile(r"(?<!\\)\$(\{?)PATH\b"), r"$\1_target_path"),
)
# The link itself is asked for, and it is the same for every process.
LINKS = re.compile(
    r"((?:\btest|\[) -[hL](?: --)? '?/proc/(?:thread-)?self(?![\w/])|"
    r"(?:(?:\btest|\[) -[hL]|\breadlink)(?: --)? '?(?:/etc/mtab|/proc/mounts|/dev/fd)(?![\w/]))"
)
# The sidecar's own processes: that of the shell, and those that a wildcard matches, too; a program that replaces the
# shell would be busybox' own.
SHELL = re.compile(r"""/proc/+["']?\$(?:[$!]|\{?PPID\b)""")
WILDCARD = re.compile(r"/proc/+[^\s/;|&]*[*?\[]")
REPLACED = re.compile(r"(?:^|[;&|({\n])\s*exec\s+(?![\d<>&{])")
VARIABLES = re.compile(r"(?:^|[;&|({\n])\s*(?:export(?:\s+-p)?|readonly|set)\s*(?:$|[;&|)}\n])")
# Here `!`, `-a` and the like cannot be distinguished from what is asked.
BRACKETS = re.compile(r"\[\[\s[^]]*(?<=\s)-[rwx]\s")
IPC = re.compile(r"kernel[./](msg|sem\b|shm|auto_msgmni)|fs[./]mqueue|/proc/sysvipc|\bipcs\b")
HOSTNAME = re.compile(r"kernel[./](hostname|domainname)|\bhostname\b|\buname\b.* -\w*[an]")
CGROUP = re.compile(r"/proc/(\d+|\*|\[[^]]*\]\*?)/cgroup")
# With the arguments of the shell function `_refuse`: who, what it cannot do, what to ask.
REFUSED = (
    (SHELL, "'/proc/$$' 'the shell that asks, which is its own' /proc/1"),
    (WILDCARD, "/proc 'wildcards for processes, where its own are, too' host.process"),
    (VARIABLES, "set 'listing the variables of its shell' env"),
    (BRACKETS, "'[[' 'permissions (-r, -w, -x)' '[ or test'"),
    (REPLACED, "exec 'replacing its shell' 'the program without exec'"),
)


# Of AppArmor.
DEFAULT_PROFILE = "docker-default"


@dataclass(frozen=True)
class Placement:
    """The target of a sidecar: id, host process, start, directory, variables, shared namespaces and profile."""

    id: str
    pid: int
    started: str
    directory: str
    environment: tuple[str, ...]
    sees_ipc: bool
    sees_hostname: bool
    sees_cgroup: bool
    options: Mapping[str, Any]
    security: tuple[str, ...]

    @classmethod
    def of(cls, name: str, document: Mapping[str, Any]) -> Placement:
        """Read it from what the engine says of the container called `name`.

        Raises EngineError where it shares another's process namespace: the first process there is not its own.
        """
        host = document["HostConfig"]
        if host.get("PidMode"):
            raise EngineError(
                f"{name} shares the process namespace of {host['PidMode'].partition(':')[2] or 'the host'} "
                f"(--pid {host['PidMode']}), so a sidecar would show another container's files and processes. "
                f"Start {name} without --pid."
            )
        ipc = host.get("IpcMode") or ""
        joins = {"ipc_mode": f"container:{document['Id']}" if ipc == "shareable" else ipc} if _is_shared(ipc) else {}
        for option, key in (("uts_mode", "UTSMode"), ("userns_mode", "UsernsMode"), ("cgroupns", "CgroupnsMode")):
            if host.get(key) == "host":
                joins[option] = "host"
        profile = document.get("AppArmorProfile") or ""
        may_set_hostname = host.get("Privileged") or any(
            capability.upper().removeprefix("CAP_") in {"ALL", "SYS_ADMIN"} for capability in host.get("CapAdd") or ()
        )
        return cls(
            id=document["Id"],
            pid=document["State"]["Pid"],
            started=document["State"]["StartedAt"],
            directory=document["Config"].get("WorkingDir") or "/",
            environment=tuple(document["Config"].get("Env") or ()),
            sees_ipc="ipc_mode" in joins,
            sees_hostname="uts_mode" in joins or not may_set_hostname,
            sees_cgroup="cgroupns" in joins,
            options=joins,
            # Under the profile that is the default, a sidecar may look into nothing but what is under it, too.
            security=() if profile in {"", DEFAULT_PROFILE} else (f"apparmor={profile}",),
        )

    def seen(self, command: str) -> str:
        """Return a command with what means the asking process replaced by the target's first one.

        A command that asks for the sidecar's own processes becomes one that says so, with exit code 126. Raises
        EngineError where it asks for what only a process in a namespace of the target can see.
        """
        if "\0" in command:
            raise EngineError(f"{command!r} has a NUL character; no path and no argument can hold one.")
        if IPC.search(command) and not self.sees_ipc:
            raise EngineError(
                f"{command!r} asks for the IPC namespace of the container, which is private: no sidecar can join it. "
                "Start the container with --ipc shareable to ask."
            )
        if HOSTNAME.search(command) and not self.sees_hostname:
            raise EngineError(
                f"{command!r} asks for the host name of a container that may change it (CAP_SYS_ADMIN): "
                "no sidecar can join its UTS namespace."
            )
        command = "".join(part if LINKS.fullmatch(part) else _of_first_process(part) for part in LINKS.split(command))
        if CGROUP.search(command) and not self.sees_cgroup:
            raise EngineError(
                f"{command!r} asks for control groups as the container's own cgroup namespace shows them: "
                "no sidecar can join it. Read /sys/fs/cgroup, or start the container with --cgroupns host."
            )
        if reason := next((reason for pattern, reason in REFUSED if pattern.search(command)), None):
            return f"_refuse {reason}"
        return command


def _of_first_process(part: str) -> str:
    for pattern, replacement in ASKING:
        part = pattern.sub(replacement, part)
    return part


def _is_shared(ipc: str) -> bool:
    return ipc in {"host", "shareable"} or ipc.startswith("container:")
