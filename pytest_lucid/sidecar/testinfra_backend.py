"""testinfra over a session in a sidecar: its modules work unmodified, because the commands that they issue do.

What those commands answer is the business of shims.sh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host
from testinfra.modules.socket import LinuxSocketSS

if TYPE_CHECKING:
    from pytest_lucid.sidecar.session import Session

WILDCARDS = {4: "0.0.0.0", 6: "::"}  # noqa: S104 - compared with, not bound to


class SidecarBackend(BaseBackend):
    """Runs testinfra's commands inside the target of `session`."""

    NAME = "sidecar"

    def __init__(self, session: Session) -> None:
        super().__init__(session.sidecar.target)
        self._session = session
        # Asking the target's interpreter would start it; names and texts in a container are UTF-8.
        self._encoding = "utf-8"

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run `command` with the quoted `args` filled in; raises like Session.run."""
        command = self.get_command(command, *args)
        result = self._session.run(command)
        return self.result(result.code, self.encode(command), result.stdout, result.stderr)


class SidecarSocket(LinuxSocketSS):
    """testinfra's Socket, but for one answer: its own is wrong for addresses behind a wildcard, and for IPv6 alone."""

    @property
    def is_listening(self) -> bool:
        """Whether something listens at the address itself, or at all addresses of its family.

        A socket without an address is listening if it does so on all addresses of both families.
        """
        sockets = set(self._iter_sockets(listening=True))  # type: ignore[no-untyped-call]  # testinfra's
        if self.protocol == "unix":
            return ("unix", self.host) in sockets
        if self.host is None:
            return all((self.protocol, wildcard, self.port) in sockets for wildcard in WILDCARDS.values())
        wildcard = WILDCARDS[6 if ":" in self.host else 4]
        return any((self.protocol, address, self.port) in sockets for address in (self.host, wildcard))


def host_through(session: Session) -> Host:
    """Return a testinfra Host for the target of `session`."""
    backend = SidecarBackend(session)
    host = Host(backend)
    backend.set_host(host)
    # Where a Host keeps its modules once they were asked for.
    vars(host)["socket"] = type("Socket", (SidecarSocket,), {"_host": host, "_command": "ss"})
    return host
