"""A shell with a terminal in a container that has none: the side in the container. The terminal here is no part of it.

It is the shell of a session, with the same toolbox and the same privileges; it sees and leaves what a session does.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.sidecar.session import definitions, entering
from pytest_lucid.sidecar.stream import Stream

if TYPE_CHECKING:
    from pytest_lucid.sidecar.session import Session

# Its definitions are a file in the sidecar's memory without a name, so that nothing appears in the target. The shell
# waits for a first line: what it wrote before the connection is ready would be lost.
BEFORE = (
    "/bin/busybox stty -echo; read -r _; /bin/busybox stty echo; "
    'echo $$ >/run/shell; printf %s "$1" >/run/rc.$$; exec 7</run/rc.$$; /bin/busybox rm /run/rc.$$; '
)
# What the shell's own start-up adds: no history in anybody's home, and a way to end it that leaves nothing.
AFTER = """
\\cd {directory} 2>/dev/null
HISTFILE=
PS1={prompt}
trap 'exit 129' HUP TERM
"""
# Waits for the end of its input, which comes with the end of the client, however that ended. Then it ends what the
# shell runs, until the shell has ended: it adopts, ends and waits for all that is left.
GUARD = """
read -r _
read -r shell </run/shell || exit 0
tries=0
while [ -e /proc/$shell ] && [ $tries -lt 100 ]; do
    kill -HUP $shell 2>/dev/null
    for stat in /proc/[0-9]*/stat; do
        { read -r line <$stat; } 2>/dev/null || continue
        case "${line##*) }" in [A-Z]" $shell "*) kill -9 ${line%% *} 2>/dev/null ;; esac
    done
    usleep 50000
    tries=$((tries + 1))
done
"""


class TerminalShell:
    """A shell inside the target of `session`, with a terminal of `rows` × `columns`; raises EngineError if refused."""

    def __init__(self, session: Session, rows: int, columns: int) -> None:
        sidecar = session.sidecar
        self._api: Any = sidecar.engine.client.api
        placement = sidecar.placement
        prompt = shlex.quote(f"{sidecar.target}:\\w\\$ ")
        after = AFTER.format(directory=shlex.quote(placement.directory), prompt=prompt)
        command = entering(sidecar.engine.architecture, "sh")
        command[3] = BEFORE + command[3]
        with engine_errors(f"opening a shell inside {sidecar.target}"):
            identity = sidecar.ensure()
            self._guard = Stream(sidecar.engine, identity, ["/bin/busybox", "sh", "-c", GUARD])
            self._exec: str = self._api.exec_create(
                identity,
                [*command, "sh", definitions() + after],
                stdin=True,
                tty=True,
                user="0:0",
                environment={"ENV": "/proc/self/fd/7", "HISTFILE": "", "TERM": "xterm"},
            )["Id"]
            self._response: Any = self._api.exec_start(self._exec, tty=True, socket=True)
        # Where the SDK wraps a real socket, the wrapper cannot be written to.
        self.socket: Any = getattr(self._response, "_sock", self._response)
        self.resize(rows, columns)
        self.socket.sendall(b"\n")

    def resize(self, rows: int, columns: int) -> None:
        """Tell the terminal inside how large the one here is."""
        with engine_errors("resizing the terminal"):
            self._api.exec_resize(self._exec, height=rows, width=columns)

    @property
    def exit_code(self) -> int:
        """How the shell ended."""
        with engine_errors("asking how the shell ended"):
            return int(self._api.exec_inspect(self._exec)["ExitCode"] or 0)

    def close(self) -> None:
        """Leave it; what still runs ends."""
        self.socket.close()
        self._response.close()
        self._guard.close()
