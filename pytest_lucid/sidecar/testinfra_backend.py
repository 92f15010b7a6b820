"""testinfra over a session in a sidecar: its modules work as they are, or have a subclass in `modules`.

What commands answer is decided by the shims.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.modules.addr import SidecarAddr
from pytest_lucid.sidecar.modules.file import SidecarFile
from pytest_lucid.sidecar.modules.interface import SidecarInterface
from pytest_lucid.sidecar.modules.mount_point import SidecarMountPoint
from pytest_lucid.sidecar.modules.package import SidecarPackage
from pytest_lucid.sidecar.modules.pip import SidecarPip
from pytest_lucid.sidecar.modules.process import SidecarProcess
from pytest_lucid.sidecar.modules.socket import SidecarSocket
from pytest_lucid.sidecar.modules.sudo import SidecarSudo
from pytest_lucid.sidecar.modules.unsupported import REASONS, Unsupported
from pytest_lucid.sidecar.modules.user import SidecarGroup, SidecarUser
from pytest_lucid.sidecar.reading import read_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.sidecar.session import Session

# By the name that they have in a Host.
MODULES: dict[str, Any] = {
    "addr": SidecarAddr,
    "file": SidecarFile,
    "group": SidecarGroup,
    "interface": SidecarInterface,
    "mount_point": SidecarMountPoint,
    "package": SidecarPackage,
    "pip": SidecarPip,
    "process": SidecarProcess,
    "socket": SidecarSocket,
    "sudo": SidecarSudo,
    "user": SidecarUser,
}


class SidecarBackend(BaseBackend):
    """Runs testinfra's commands inside the container called `target`; `enter` opens the session there."""

    NAME = "lucid"

    def __init__(self, target: str, enter: Callable[[], Session]) -> None:
        super().__init__(target)
        self._enter = enter
        # Asking the target's interpreter would start it; names and texts in a container are UTF-8.
        self._encoding = "utf-8"
        # What the modules learn once: TCP sockets by inode, and whether a sidecar's processes are known by themselves.
        self.takes_ipv4: dict[int, bool] = {}
        self.is_unambiguous = False

    @cached_property
    def session(self) -> Session:
        """The session inside, opened by the first question; raises like Session.run."""
        return self._enter()

    def set_host(self, host: Host) -> None:
        """Give the host the modules that differ from testinfra's, where a Host keeps what was asked for before."""
        super().set_host(host)
        for name, module in MODULES.items():
            vars(host)[name] = module.get_module(host)
        for name in REASONS:
            vars(host)[name] = Unsupported(name)

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run `command` with the quoted `args` filled in; raises like Session.run."""
        command = self.get_command(command, *args)
        result = self.session.run(self.session.sidecar.placement.seen(command))
        return self.result(result.code, command.encode("utf-8", "surrogateescape"), result.stdout, result.stderr)

    def read(self, *patterns: str) -> dict[str, bytes]:
        """Read the files that match; see read_files."""
        return read_files(self.session, *patterns)

    def decode(self, data: bytes) -> str:
        """Read text as UTF-8; other bytes as os.fsdecode does, so that names lead back to their files."""
        return data.decode("utf-8", "surrogateescape")

    @cached_property
    def boot_time(self) -> int:
        """When the machine was started, in seconds since the epoch."""
        return int(self._fact("btime", "/proc/stat"))

    @cached_property
    def memory_kilobytes(self) -> int:
        """The memory of the machine, in KiB."""
        return int(self._fact("MemTotal:", "/proc/meminfo"))

    def _fact(self, name: str, path: str) -> str:
        words = self.session.run(f"grep -s {name} {path}").stdout.decode().split()
        if words[:1] != [name]:
            raise EngineError(f"{path} of {self.hostname} cannot be read; expected a line {name}")
        return words[1]


def host_through(session: Session) -> Host:
    """Return a testinfra Host for the target of `session`."""
    backend = SidecarBackend(session.sidecar.target, lambda: session)
    host = Host(backend)
    backend.set_host(host)
    return host
