"""The processes in which pytest runs for a watcher: copies of one that has loaded everything, or fresh ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from threading import Event, Lock
from typing import IO, TYPE_CHECKING

from pytest_lucid.errors import LucidError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A run that was interrupted takes its sidecars away first; the engine may be what hangs.
GRACE_SECONDS = 10
# On macOS, the system's own libraries refuse to work in a copy.
CAN_COPY = sys.platform == "linux"


class RoundError(LucidError):
    """A round that could not be made: the host, its engine, or the matrix."""


class Runner(ABC):
    """Runs pytest in `folder`, one run at a time; `stop` may come from another thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._stopping = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = Event()

    def run(self, arguments: Sequence[str], output: Path) -> int | None:
        """Run pytest with its output in a file; returns its exit code, None after `stop`."""
        with self._lock:
            if self._stopped.is_set():
                return None
            self._process = process = self._begin(arguments, output)
        code = self._wait(process)
        return None if self._stopped.is_set() else code

    def stop(self) -> None:
        """End the run that is being made, which takes away what it made, and make no other.

        Who comes second, from another thread, waits for the same end.
        """
        with self._stopping:
            with self._lock:
                self._stopped.set()
                process, self._process = self._process, None
            if process is None:
                return
            if os.name == "posix":
                process.send_signal(signal.SIGINT)
            else:
                process.terminate()
            try:
                _close(process, GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                _kill(process)
                _close(process)

    @abstractmethod
    def _begin(self, arguments: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
        """Begin a run; returns the process that makes it."""

    @abstractmethod
    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for the end of the run; returns pytest's exit code."""

    def _start(self, module: Sequence[str], stdin: int, stdout: int | IO[bytes]) -> subprocess.Popen[bytes]:
        # Nobody's options for other runs.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LUCID_", "PYTEST_"))}
        return subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", *module],
            cwd=self._folder,
            env=kept | {"PYTHONUTF8": "1"},
            stdin=stdin,
            stdout=stdout,
            stderr=None if stdin == subprocess.PIPE else subprocess.STDOUT,
            # A Ctrl-C in the terminal is for the watcher, which ends its round itself.
            start_new_session=True,
        )


def _close(process: subprocess.Popen[bytes], seconds: float | None = None) -> None:
    """Close what leads to the process, which ends one that waits for its next run, and wait for its end."""
    # What was not written to a process that has ended is not missed.
    with suppress(BrokenPipeError):
        process.communicate(timeout=seconds)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process, and a copy of it."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


class Fresh(Runner):
    """Runs pytest in a new process each time, which loads everything anew."""

    def _begin(self, arguments: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
        with output.open("wb") as file:
            return self._start(["pytest", *arguments], subprocess.DEVNULL, file)

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        return process.wait()


class Copied(Runner):
    """Runs pytest in copies of one process, which begins with the first run and loads what it needs (`plugin.warm`)."""

    def _begin(self, arguments: Sequence[str], output: Path) -> subprocess.Popen[bytes]:
        process = self._process
        if process and process.poll() is not None:
            _close(process)
            process = None
        if process is None:
            process = self._start(["pytest_lucid.plugin.warm", *arguments], subprocess.PIPE, subprocess.PIPE)
        # A process that has just ended gives no answer either.
        with suppress(BrokenPipeError):
            _end_of(process.stdin).write(json.dumps([str(output), *arguments]).encode() + b"\n")
            _end_of(process.stdin).flush()
        return process

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        """Raise RoundError where the process itself ended; the next run starts another one."""
        if answer := _end_of(process.stdout).readline():
            return int(answer)
        if self._stopped.is_set():
            return 0
        raise RoundError(
            f"the process that makes the rounds ended with {process.wait()}; the next round starts another"
        )


def _end_of(stream: IO[bytes] | None) -> IO[bytes]:
    """The stream, which is there because it was asked for."""
    if stream is None:
        raise TypeError("no pipe")
    return stream


def runner(folder: Path) -> Runner:
    """What makes runs in `folder` on this platform."""
    return Copied(folder) if CAN_COPY else Fresh(folder)
