"""The terminal that somebody sits at, joined with a shell in a container: keys in, text out, size, end."""

from __future__ import annotations

import os
import selectors
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_lucid.errors import ConfigError
from pytest_lucid.sidecar.interactive import TerminalShell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.sidecar.session import Session

CHUNK_BYTES = 64 * 1024


def demand_terminal() -> None:
    """Raise ConfigError unless standard input and output are a terminal that can be handed over."""
    if sys.platform == "win32":
        raise ConfigError("a shell needs a terminal of Unix, which Windows does not have; start it in WSL.")
    if not (os.isatty(0) and os.isatty(1)):
        raise ConfigError(
            "a shell needs a terminal as its standard input and output; expected to be started by a person. "
            "To run commands from a program, use testinfra's host.run with lucid://CONTAINER."
        )


def converse(session: Session) -> int:
    """Hand the terminal over to a shell inside the target of `session` until it ends; returns its exit code."""
    demand_terminal()
    rows, columns = _size()
    shell = TerminalShell(session, rows, columns)
    try:
        with _raw(), _resized() as resized, selectors.DefaultSelector() as selector:
            for file in (0, shell.socket, resized):
                selector.register(file, selectors.EVENT_READ)
            while _serve(shell, resized, [key.fileobj for key, _ in selector.select()]):
                pass
    except OSError:
        # The connection is gone; what happened to the target says more.
        session.sidecar.demand_target()
        raise
    finally:
        shell.close()
    session.sidecar.demand_target()
    return shell.exit_code


def _serve(shell: TerminalShell, resized: int, ready: list[object]) -> bool:
    """Move what is there; False at the end of the shell."""
    if resized in ready:
        os.read(resized, CHUNK_BYTES)
        shell.resize(*_size())
    if 0 in ready:
        shell.socket.sendall(os.read(0, CHUNK_BYTES))
    if shell.socket not in ready:
        return True
    while True:
        data = shell.socket.recv(CHUNK_BYTES)
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]
        # A socket with TLS may hold more than select knows of.
        if not data or not getattr(shell.socket, "pending", lambda: 0)():
            return bool(data)


def _size() -> tuple[int, int]:
    size = os.get_terminal_size(0)
    # A terminal that does not know its size says 0.
    return size.lines or 24, size.columns or 80


if sys.platform == "win32":

    @contextmanager
    def _raw() -> Iterator[None]:
        yield

    @contextmanager
    def _resized() -> Iterator[int]:
        yield -1

else:
    import termios
    import tty

    @contextmanager
    def _raw() -> Iterator[None]:
        """Let every key through, Ctrl-C included."""
        before = termios.tcgetattr(0)
        tty.setraw(0)
        try:
            yield
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)

    @contextmanager
    def _resized() -> Iterator[int]:
        """A file that can be read when the terminal has changed its size."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        before = signal.signal(signal.SIGWINCH, lambda *_: os.write(writer, b"."))
        try:
            yield reader
        finally:
            signal.signal(signal.SIGWINCH, before)
            os.close(reader)
            os.close(writer)
