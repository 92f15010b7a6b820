"""testinfra over the tunnel to a host: its commands run in the shell that is open there anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

if TYPE_CHECKING:
    from pytest_lucid.engine.tunnel import Tunnel


class TunnelBackend(BaseBackend):
    """Runs testinfra's commands on the host of `tunnel`, as the user whom ssh logged in."""

    NAME = "lucid-tunnel"

    def __init__(self, tunnel: Tunnel) -> None:
        super().__init__(tunnel.name)
        self._tunnel = tunnel
        # Asking the host's interpreter for it is no better guess, and costs a command.
        self._encoding = "utf-8"

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run `command` with the quoted `args` filled in; raises like Tunnel.run."""
        command = self.get_command(command, *args)
        result = self._tunnel.run(command)
        return self.result(result.code, self.encode(command), result.stdout, result.stderr)


def host_through(tunnel: Tunnel) -> Host:
    """Return a testinfra Host for the machine at the other end."""
    backend = TunnelBackend(tunnel)
    host = Host(backend)
    backend.set_host(host)
    return host
