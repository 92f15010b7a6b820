"""What a user can write to in a container, by mounts, owners and permissions."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.engine.shell_protocol import Result
    from pytest_lucid.sidecar.mounts import Mount
    from pytest_lucid.sidecar.session import Session

# The device that every container has, found by the same search.
CONTROL = "/dev/null"


@dataclass(frozen=True)
class Writable:
    """The topmost files and directories that the service's user can write to, and what in them others can, too.

    Owning is enough: an owner may give itself any permission.
    """

    paths: tuple[str, ...]
    shared: tuple[str, ...]


def read_writable(
    session: Session, mounts: Sequence[Mount], uid: int, gid: int
) -> tuple[Writable, tuple[tuple[str, int], ...]]:
    """Search the writable mounts for what `uid`:`gid` can write to, and everything mounted for sockets (path, owner).

    Raises EngineError if a search does not even find what every container has: a mount of memory that everybody may
    write to, and a device.
    """
    places = [mount.path for mount in mounts if mount.writable and not mount.is_pseudo]
    stored = [mount.path for mount in mounts if mount.writable and not mount.is_pseudo and not mount.is_memory]
    mounted = [mount.path for mount in mounts if mount.path != "/" and not mount.is_pseudo]
    mine = rf"\( -user {uid} -o -group {gid} -perm -020 -o -perm -002 \)"
    others = rf"\( ! -user {uid} -o ! -group {gid} -perm -020 -o -perm -002 \)"
    paths, found = map(
        _paths,
        session.run_all(
            [
                _find(places, rf"\( -type f -o -type d \) {mine} -print0 -prune"),
                _find(mounted, rf"\( -type s -o -path {CONTROL} \) -print0"),
            ]
        ),
    )
    target = session.sidecar.target
    if not paths:
        raise EngineError(f"what can be written to in {target} cannot be seen; expected tmpfs at least")
    if CONTROL not in found:
        raise EngineError(f"the sockets in {target} cannot be seen; expected at least {CONTROL}")
    kept = [path for path in paths if any(mount == path or path.startswith(f"{mount}/") for mount in stored)]
    sockets = [path for path in found if path != CONTROL]
    shared, *owners = session.run_all(
        [
            _find(kept, rf"\( -type f -o -type d \) {others} -print0"),
            *(f"stat -c %u {shlex.quote(path)}" for path in sockets),
        ]
    )
    owned = tuple((path, int(owner.stdout)) for path, owner in zip(sockets, owners, strict=True))
    return Writable(paths, _paths(shared)), owned


def _find(places: Sequence[str], expression: str) -> str:
    return f"find {shlex.join(places)} -xdev {expression} 2>/dev/null" if places else ":"


def _paths(found: Result) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path for path in found.stdout.decode("utf-8", "surrogateescape").split("\0") if path))
