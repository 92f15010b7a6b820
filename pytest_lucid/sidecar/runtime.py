"""All that is read inside a running container, gathered once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import listeners, mounts, processes
from pytest_lucid.sidecar.listeners import Listener, read_listeners
from pytest_lucid.sidecar.mounts import Mount, holder, read_mounts
from pytest_lucid.sidecar.processes import Process, read_processes
from pytest_lucid.sidecar.writable import Writable, read_writable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.engine.shell_protocol import Result
    from pytest_lucid.sidecar.session import Session

PROGRAM = "readlink /proc/1/exe"
ENVIRONMENT = "cat /proc/1/environ"
ADDRESSES = "ip -o addr show"
NAMESPACES = "ls -l /proc/1/ns"
# The exit code of the sidecar's getent where no name server answered.
UNANSWERED = 3


@dataclass(frozen=True)
class Runtime:
    """A running container as seen from within: `sockets` are files (path, owner), `addresses` those of `interfaces`."""

    processes: tuple[Process, ...]
    defunct: tuple[Process, ...]
    program: str
    environment: Mapping[str, str]
    listeners: tuple[Listener, ...]
    interfaces: Mapping[str, frozenset[str]]
    mounts: tuple[Mount, ...]
    writable: Writable
    sockets: tuple[tuple[str, int], ...]
    namespaces: Mapping[str, str]

    def mount_of(self, path: str) -> Mount:
        """The mount that holds `path`."""
        return holder(self.mounts, path)

    def writable_at(self, path: str) -> tuple[str, ...]:
        """What the service can write to at `path`, below it, or above it (who owns a directory may replace it)."""
        return tuple(each for each in self.writable.paths if _within(each, path) or _within(path, each))


def read_runtime(session: Session, user: str | None) -> Runtime:
    """Gather everything about the container of `session`, whose service runs as `user` (uid:gid; None: as it started).

    Raises EngineError where something cannot be seen, and like Session.run.
    """
    running = processes.reading()
    commands = (mounts.COMMAND, running.command, listeners.COMMAND, PROGRAM, ENVIRONMENT, ADDRESSES, NAMESPACES)
    said = dict(zip(commands, session.run_all(commands), strict=True))
    target = session.sidecar.target
    mounted = read_mounts(target, said[mounts.COMMAND])
    alive, defunct = read_processes(session, running.files(said[running.command]))
    uid, gid = map(int, user.split(":")) if user else (alive[0].uids[0], alive[0].gids[0])
    writable, sockets = read_writable(session, mounted, uid, gid)
    return Runtime(
        processes=alive,
        defunct=defunct,
        program=_demanded(target, PROGRAM, said).strip(),
        environment=_environment(_demanded(target, ENVIRONMENT, said)),
        listeners=read_listeners(target, said[listeners.COMMAND]),
        interfaces=_interfaces(_demanded(target, ADDRESSES, said)),
        mounts=mounted,
        writable=writable,
        sockets=sockets,
        namespaces=dict(re.findall(r"-> (\w+):\[(\d+)\]", _demanded(target, NAMESPACES, said))),
    )


def resolve(session: Session, names: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
    """Ask inside for the IPv4 addresses of `names`; a name that does not resolve has none.

    Raises EngineError where no name server answered: the name may well resolve.
    """
    loop = f'for name in {" ".join(names)}; do echo "name $name"; getent ahostsv4 $name; echo "code $?"; done'
    return addresses_of_names(session.sidecar.target, session.run(loop).stdout.decode())


def addresses_of_names(target: str, listing: str) -> Mapping[str, frozenset[str]]:
    """Read what getent printed in `target`: per name a line `name N`, its addresses, and `code` with the exit code."""
    found: dict[str, set[str]] = {}
    for line in listing.splitlines():
        first, *rest = line.split()
        if first == "name":
            name = rest[0]
            found[name] = set()
        elif first == "code":
            if int(rest[0]) == UNANSWERED:
                raise EngineError(f"no name server answered for {name} inside {target}")
        else:
            found[name].add(first)
    return {name: frozenset(addresses) for name, addresses in found.items()}


def _demanded(target: str, command: str, answers: Mapping[str, Result]) -> str:
    result = answers[command]
    if result.code or not result.stdout:
        said = result.stderr.decode("utf-8", "replace").strip() or f"exit code {result.code} and no output"
        raise EngineError(f"`{command}` inside {target} printed nothing ({said})")
    return result.stdout.decode("utf-8", "surrogateescape")


def _environment(environ: str) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in environ.split("\0") if entry)


def _interfaces(table: str) -> dict[str, frozenset[str]]:
    """Read lines such as `7: eth0    inet 172.20.0.3/16 brd …`: name → addresses."""
    found: dict[str, set[str]] = {}
    for line in table.splitlines():
        _, name, family, *rest = line.split()
        addresses = found.setdefault(name.rstrip(":").partition("@")[0], set())
        if family in {"inet", "inet6"}:
            addresses.add(rest[0].partition("/")[0])
    return {name: frozenset(addresses) for name, addresses in found.items()}


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory.rstrip('/')}/")
