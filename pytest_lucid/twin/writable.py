"""What a user can write to in a container, by mounts, owners and permissions."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.twin.mounts import Mount
    from pytest_lucid.twin.session import Session

# The device that every container has, found by the same search.
CONTROL = "/dev/null"


@dataclass(frozen=True)
class Writable:
    """The topmost files and directories that the service's user can write to, and what in them others can, too.

    Owning is enough: an owner may give itself any permission.
    """

    paths: tuple[str, ...]
    shared: tuple[str, ...]


def read_writable(session: Session, mounts: Sequence[Mount], uid: int, gid: int) -> Writable:
    """Search the writable mounts for what `uid`:`gid` can write to; raises EngineError if the search finds nothing.

    A mount of memory that everybody may write to is in every container, so nothing at all means a broken search.
    """
    places = [mount.path for mount in mounts if mount.writable and not mount.is_pseudo]
    stored = [mount.path for mount in mounts if mount.writable and not mount.is_pseudo and not mount.is_memory]
    mine = rf"\( -user {uid} -o -group {gid} -perm -020 -o -perm -002 \)"
    others = rf"\( ! -user {uid} -o ! -group {gid} -perm -020 -o -perm -002 \)"
    paths = _find(session, places, rf"\( -type f -o -type d \) {mine} -print0 -prune")
    if not paths:
        raise EngineError(f"what can be written to in {session.sidecar.target} cannot be seen; expected tmpfs at least")
    kept = [path for path in paths if any(mount == path or path.startswith(f"{mount}/") for mount in stored)]
    shared = _find(session, kept, rf"\( -type f -o -type d \) {others} -print0")
    return Writable(paths, shared)


def read_sockets(session: Session, mounts: Sequence[Mount]) -> tuple[tuple[str, int], ...]:
    """Search everything mounted into the container for sockets: path and owner of each.

    Raises EngineError if the search does not even find a device that every container has.
    """
    places = [mount.path for mount in mounts if mount.path != "/" and not mount.is_pseudo]
    found = _find(session, places, rf"\( -type s -o -path {CONTROL} \) -print0")
    if CONTROL not in found:
        raise EngineError(f"the sockets in {session.sidecar.target} cannot be seen; expected at least {CONTROL}")
    sockets = [path for path in found if path != CONTROL]
    return tuple((path, int(session.run(f"stat -c %u {shlex.quote(path)}").stdout)) for path in sockets)


def _find(session: Session, places: Sequence[str], expression: str) -> tuple[str, ...]:
    if not places:
        return ()
    found = session.run(f"find {shlex.join(places)} -xdev {expression} 2>/dev/null")
    paths = found.stdout.decode("utf-8", "surrogateescape").split("\0")
    return tuple(dict.fromkeys(path for path in paths if path))
