"""What is mounted in a container, as the kernel tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from pytest_lucid.engine.shell_protocol import Result

COMMAND = "cat /proc/1/mountinfo"
# Windows to the kernel, without anything stored behind them.
PSEUDO = frozenset({"cgroup", "cgroup2", "devpts", "nsfs", "proc", "sysfs"})
# Forgotten with the container.
MEMORY = frozenset({"mqueue", "tmpfs"})


@dataclass(frozen=True)
class Mount:
    """One mount: where, of which kind, from which place of its file system, and whether it can be written to at all."""

    path: str
    kind: str
    root: str
    writable: bool

    @property
    def is_pseudo(self) -> bool:
        """Whether it is a window to the kernel."""
        return self.kind in PSEUDO

    @property
    def is_memory(self) -> bool:
        """Whether it is forgotten with the container."""
        return self.kind in MEMORY

    def holds(self, path: str) -> bool:
        """Whether `path` is the mount point or below it."""
        return f"{path}/".startswith(f"{self.path.rstrip('/')}/")


def read_mounts(target: str, said: Result) -> tuple[Mount, ...]:
    """Read the mounts of the target's first process from the answer to COMMAND.

    Raises EngineError if not even its root is seen.
    """
    mounts = parse(said.stdout.decode("utf-8", "surrogateescape"))
    if not any(mount.path == "/" for mount in mounts):
        raise EngineError(f"the mounts of {target} cannot be seen; expected at least its root")
    return mounts


def parse(mountinfo: str) -> tuple[Mount, ...]:
    """Return the mounts that /proc/<pid>/mountinfo describes, later ones over earlier ones."""
    mounts: dict[str, Mount] = {}
    for line in mountinfo.splitlines():
        own, _, source = line.partition(" - ")
        _, _, _, root, path, options, *_ = own.split(" ")
        kind, _, above = source.split(" ")[:3]
        writable = "rw" in options.split(",") and "rw" in above.split(",")
        mounts[plain(path)] = Mount(plain(path), kind, plain(root), writable)
    return tuple(mounts.values())


def holder(mounts: tuple[Mount, ...], path: str) -> Mount:
    """Return the mount that holds `path`."""
    return max((mount for mount in mounts if mount.holds(path)), key=lambda mount: len(mount.path))


def plain(path: str) -> str:
    """Undo the kernel's octal escapes of blanks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)
