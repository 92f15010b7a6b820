"""The processes of a container, as the kernel's files describe them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.sidecar.reading import Reading
from pytest_lucid.sidecar.sidecar import BOUNDING_SET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_lucid.sidecar.session import Session

# The kernel's own order: the place of a name is the number of its bit.
CAPABILITIES = (  # noqa: SIM905 - forty names read better as a text
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split()
FILES = ("status", "cmdline", "cgroup")
FILTERING = 2
SETTLING_SECONDS = 3.0
# A parent that waits for its children does so within this time.
REAPING_SECONDS = 1.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Process:
    """One process: real, effective, saved and file-system ids; all capability sets but the bounding one, as bits."""

    pid: int
    parent: int
    state: str
    argv: tuple[str, ...]
    uids: tuple[int, ...]
    gids: tuple[int, ...]
    groups: tuple[int, ...]
    capabilities: Mapping[str, int]
    no_new_privileges: bool
    seccomp: int

    @property
    def is_filtered(self) -> bool:
        """Whether a seccomp filter judges its system calls."""
        return self.seccomp == FILTERING

    @property
    def is_entering(self) -> bool:
        """Whether it is the runtime about to become a health probe: still with rights that it is going to give up."""
        return self.parent == 0 and (self.argv[1:] == ("init",) or self.argv[0].startswith("runc:["))

    @property
    def is_defunct(self) -> bool:
        """Whether it has ended and its parent has not waited for it."""
        return self.state == "Z"

    def __str__(self) -> str:
        """Return number and command, for messages."""
        return f"{self.pid} {' '.join(self.argv)}"


def reading(files: Iterable[str] = FILES, *more: str) -> Reading:
    """Return the question for these files of every process, and for the files `more`."""
    return Reading([*(f"/proc/[0-9]*/{name}" for name in files), *more])


def records(target: str, identity: str, files: Mapping[str, bytes]) -> dict[int, dict[str, bytes]]:
    """Group what was read by process, without the processes of sidecars.

    A sidecar's process has exactly the sidecar's bounding set, which no process of the container can have unless its
    first process has all of that; where it has, the control group decides: `identity` is the container's id. Raises
    EngineError if the first process is not seen.
    """
    found: dict[int, dict[str, bytes]] = {}
    for path, content in files.items():
        _, place, process, *rest = path.split("/")
        if place == "proc" and process.isdigit() and rest:
            found.setdefault(int(process), {})[rest[0]] = content
    # One that ended meanwhile has files without content.
    present = {pid: parts for pid, parts in sorted(found.items()) if parts.get("status")}
    if 1 not in present:
        raise EngineError(f"the processes of {target} cannot be seen; expected at least its first one")
    return {
        pid: parts
        for pid, parts in present.items()
        if bounding_set(parts["status"]) != BOUNDING_SET
        or (is_ambiguous(present[1]["status"]) and identity.encode() in parts["cgroup"])
    }


def is_ambiguous(first_status: bytes) -> bool:
    """Whether a process of the container may have the bounding set of a sidecar: only the control group tells then."""
    return bounding_set(first_status) & BOUNDING_SET == BOUNDING_SET


def bounding_set(status: bytes) -> int:
    """Return the bounding capability set in a /proc/<pid>/status, as bits."""
    # At the beginning of a line: a process may call itself so.
    return int(status.partition(b"\nCapBnd:")[2].split(maxsplit=1)[0], 16)


def capability_bits(names: Iterable[str]) -> int:
    """The capabilities called `names`, with or without CAP_, as bits. Raises ConfigError for an unknown name."""
    bits = 0
    for name in names:
        plain = name.upper().removeprefix("CAP_")
        if plain not in CAPABILITIES:
            raise ConfigError(f"{name!r} is no capability; expected one of {', '.join(CAPABILITIES)}")
        bits |= 1 << CAPABILITIES.index(plain)
    return bits


def capability_names(bits: int) -> list[str]:
    """The names of capabilities given as bits; one that is not known here by its number."""
    return [
        CAPABILITIES[at] if at < len(CAPABILITIES) else f"number {at}"
        for at in range(bits.bit_length())
        if bits >> at & 1
    ]


def read_processes(session: Session, files: Mapping[str, bytes]) -> tuple[tuple[Process, ...], tuple[Process, ...]]:
    """Return the live and the defunct processes of the container, from the answer to `reading()`.

    A health probe that is just starting is waited for, and so is a parent that is about to wait for its children: only
    what stays defunct is returned. Raises EngineError if the first process is not seen.
    """
    started = time.monotonic()
    defunct: set[int] | None = None
    while True:
        processes = _parsed(session, files)
        ended = {process.pid for process in processes if process.is_defunct}
        defunct = ended if defunct is None else defunct & ended
        entering = any(process.is_entering for process in processes)
        waited = time.monotonic() - started
        if waited > SETTLING_SECONDS or not (entering or (defunct and waited < REAPING_SECONDS)):
            alive = tuple(process for process in processes if process.state not in "ZX")
            return alive, tuple(process for process in processes if process.pid in defunct)
        time.sleep(POLL_SECONDS)
        again = reading()
        files = again.files(session.run(again.command))


def _parsed(session: Session, files: Mapping[str, bytes]) -> tuple[Process, ...]:
    sidecar = session.sidecar
    present = records(sidecar.target, sidecar.target_id, files)
    processes = (parse(pid, parts["status"], parts.get("cmdline", b"")) for pid, parts in present.items())
    # One without memory that is not defunct is being taken apart; its command line is gone already.
    return tuple(p for p in processes if p.is_defunct or b"\nVmSize:" in present[p.pid]["status"])


def parse(pid: int, status: bytes, cmdline: bytes) -> Process:
    """Return the process that /proc/<pid>/status and cmdline describe."""
    fields = status_fields(status)
    argv = cmdline.decode("utf-8", "replace").removesuffix("\0").split("\0") if cmdline else fields["Name"]
    return Process(
        pid=pid,
        parent=int(fields["PPid"][0]),
        state=fields["State"][0],
        argv=tuple(argv),
        uids=tuple(map(int, fields["Uid"])),
        gids=tuple(map(int, fields["Gid"])),
        groups=tuple(map(int, fields["Groups"])),
        capabilities={name: int(fields[f"Cap{name}"][0], 16) for name in ("Inh", "Prm", "Eff", "Amb")},
        no_new_privileges=fields["NoNewPrivs"] == ["1"],
        seccomp=int(fields["Seccomp"][0]),
    )


def status_fields(status: bytes) -> dict[str, list[str]]:
    """Return the fields of a /proc/<pid>/status, each split at blanks."""
    pairs = (line.partition(":") for line in status.decode("utf-8", "replace").splitlines())
    return {name: value.split() for name, _, value in pairs}
