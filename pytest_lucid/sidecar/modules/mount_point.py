"""testinfra's MountPoint, from the mount table of the target's first process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testinfra.modules.mountpoint import MountPoint

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.modules.base import SidecarModule
from pytest_lucid.sidecar.mounts import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "/proc/1/mounts"


class SidecarMountPoint(SidecarModule, MountPoint):
    """A mount; where several are on one path, the one that is seen there."""

    @classmethod
    def _iter_mountpoints(cls) -> Iterator[dict[str, Any]]:
        table = cls.session().run(f"cat -- {TABLE}")
        if table.code or not table.stdout:
            raise EngineError(
                f"the mounts of {cls.session().sidecar.target} cannot be seen; expected at least its root"
            )
        for line in table.stdout.decode("utf-8", "surrogateescape").splitlines():
            device, path, kind, options, *_ = line.split(" ")
            if device != "rootfs":
                yield {
                    "path": plain(path),
                    "device": plain(device),
                    "filesystem": kind,
                    "options": options.split(","),
                }

    @property
    def _attrs(self) -> dict[str, Any]:
        if self._attrs_cache is None:
            self._attrs_cache = {}
            for mount in self._iter_mountpoints():
                if mount["path"] == self.path:
                    self._attrs_cache = mount
        found: dict[str, Any] = self._attrs_cache
        return found
