"""The one connection to a host: a shell on it, and its engine's socket forwarded here. Made anew once when it breaks.

It ends with this process, however that ends: the shell's input then closes, and with it the connection.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_lucid.engine import ssh
from pytest_lucid.engine.remote_shell import Shell, ShellEndedError
from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from pytest_lucid.config.hosts import Destination
    from pytest_lucid.engine.shell_protocol import Result

OPEN_SECONDS = 20.0
COMMAND_SECONDS = 30.0
# How long a broken ssh may take to end after its sockets did.
END_SECONDS = 0.5
POLL_SECONDS = 0.02
READY = "echo ready"


class Tunnel:
    """The connection to `destination`, which messages call `name`. It is open until it is closed."""

    def __init__(self, name: str, destination: Destination) -> None:
        self.name = name
        self.destination = destination
        self._lock = threading.Lock()
        self._generation = 0
        self._lost: str | None = None
        # In a folder that nobody else can look into; a port where the system's ssh cannot forward a socket.
        self._folder = Path(tempfile.mkdtemp(prefix="lucid-"))
        self._socket: Path | int = _free_port() if sys.platform == "win32" else self._folder / "engine"
        try:
            self._process, self._shell = self._open()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @property
    def url(self) -> str:
        """Where the engine answers on this side."""
        return f"tcp://127.0.0.1:{self._socket}" if isinstance(self._socket, int) else f"unix://{self._socket}"

    @property
    def generation(self) -> int:
        """Which connection it is, counted from 0; raises EngineError when it is lost for good."""
        if self._lost:
            raise EngineError(self._lost)
        return self._generation

    def run(self, command: str, seconds: float = COMMAND_SECONDS) -> Result:
        """Run a shell command on the host, as the user whom ssh logged in."""
        seen = self.generation
        try:
            return self._shell.run(command, seconds)
        except TimeoutError as error:
            # What it says later must not be taken for the answer to another command.
            self._process.kill()
            raise EngineError(f"{self.name}: {command[:200]!r} did not end within {seconds:g} s") from error
        except ShellEndedError:
            self.reconnect(seen)
        try:
            return self._shell.run(command, seconds)
        except (ShellEndedError, TimeoutError) as error:
            raise EngineError(f"{self.name}: the connection ended while running {command[:200]!r}") from error

    def reconnect(self, seen: int) -> bool:
        """Connect again if the connection of number `seen` is broken; returns whether there is a new one.

        That is tried once: raises EngineError when it fails, and at every later break.
        """
        with self._lock:
            if seen != self.generation:
                return True
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                return False
            words = self._shell.last_words
            self._shell.end()
            lost = f"{self.name} was lost during the run ({ssh.last_line(words)})"
            if self._generation:
                self._lost = f"{lost}, for the second time"
                raise EngineError(self._lost)
            try:
                self._process, self._shell = self._open()
            except EngineError as error:
                self._lost = f"{lost}, and the connection could not be restored: {error}"
                raise EngineError(self._lost) from error
            self._generation += 1
            return True

    def close(self) -> None:
        """End the connection; afterwards nothing of it is left on either side."""
        with self._lock:
            self._lost = f"the connection to {self.name} was closed"
            self._shell.end()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _open(self) -> tuple[subprocess.Popen[bytes], Shell]:
        # No shell on this side. Ctrl-C is for this process alone: the connection is needed to tear things down.
        process = subprocess.Popen(  # noqa: S603
            ssh.tunnel_arguments(self.destination, self._socket),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        shell = Shell(process)
        try:
            shell.run(READY, OPEN_SECONDS)
            self._await_socket(time.monotonic() + OPEN_SECONDS)
        except (TimeoutError, ShellEndedError) as error:
            shell.end()
            words = shell.last_words or f"nothing, for {OPEN_SECONDS:g} s: timed out"
            raise EngineError(ssh.refusal(self.name, self.destination.host, words)) from error
        except BaseException:
            shell.end()
            raise
        return process, shell

    def _await_socket(self, deadline: float) -> None:
        """Return when this side of the forwarding listens, which ssh does before it asks for the shell."""
        while isinstance(self._socket, Path) and not self._socket.is_socket():
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(POLL_SECONDS)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
