"""The live processes of a container, as the kernel tells them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.sidecar.session import Result, Session

# One record for each process outside this sidecar: number, control group, status, arguments. They may end meanwhile.
COMMAND = r"""
for process in /proc/[0-9]*; do
    [ $process/ns/mnt -ef /proc/self/ns/mnt ] && continue
    printf '\036%s\037' ${process#/proc/}
    cat $process/cgroup; printf '\037'; cat $process/status; printf '\037'; cat $process/cmdline
done 2>/dev/null
"""
FILTERING = 2
SETTLING_SECONDS = 3.0
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
    def is_alive(self) -> bool:
        """Whether it is more than an entry that its parent has not removed yet."""
        return self.state not in {"Z", "X"}

    def __str__(self) -> str:
        """Return number and command, for messages."""
        return f"{self.pid} {' '.join(self.argv)}"


def read_processes(session: Session, said: Result) -> tuple[Process, ...]:
    """Read the processes in the control group of the container's first one, from the answer to COMMAND.

    A health probe that is just starting is waited for. Raises EngineError if the first process is not seen.
    """
    deadline = time.monotonic() + SETTLING_SECONDS
    while True:
        processes = _read(session.sidecar.target, said)
        if time.monotonic() > deadline or not any(process.is_entering for process in processes):
            return processes
        time.sleep(POLL_SECONDS)
        said = session.run(COMMAND)


def _read(target: str, said: Result) -> tuple[Process, ...]:
    records = [record.split(b"\x1f") for record in said.stdout.split(b"\x1e")[1:]]
    alive = {int(record[0]): record[1:] for record in records if len(record) == 4 and record[1] and record[2]}  # noqa: PLR2004 - the four parts of a record
    if 1 not in alive:
        raise EngineError(f"the processes of {target} cannot be seen; expected at least its first one")
    own = alive[1][0]
    # One without memory has ended and is being taken apart; its command line is gone already.
    present = {pid: parts for pid, parts in alive.items() if parts[0] == own and b"\nVmSize:" in parts[1]}
    processes = (parse(pid, status, argv) for pid, (_, status, argv) in sorted(present.items()))
    return tuple(process for process in processes if process.is_alive)


def parse(pid: int, status: bytes, cmdline: bytes) -> Process:
    """Return the process that /proc/<pid>/status and cmdline describe."""
    pairs = (line.partition(":") for line in status.decode("utf-8", "replace").splitlines())
    fields = {name: value.split() for name, _, value in pairs}
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
