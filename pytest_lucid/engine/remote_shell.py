"""A POSIX shell at the other end of two pipes, which runs one command after the other.

Starting the program that leads to the shell, and deciding what to do when it ends, is not done here.
"""

from __future__ import annotations

import queue
import shlex
import subprocess
import threading
import time
from typing import IO, TYPE_CHECKING

from pytest_lucid.engine.shell_protocol import DEFINITIONS, Ending

if TYPE_CHECKING:
    from pytest_lucid.engine.shell_protocol import Result

CHUNK_BYTES = 256 * 1024
LAST_WORDS_SECONDS = 1.0
END_SECONDS = 2.0


class ShellEndedError(Exception):
    """The shell, or the way to it, is gone."""


class Shell:
    """The shell that `process` leads to. Commands of several threads wait for each other."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._arrived: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._buffers = (bytearray(), bytearray())
        self._open = len(self._buffers)
        # Sent with the first command: starting a shell must not write to a process that may already have ended.
        self._definitions = DEFINITIONS
        # Threads, because Windows cannot wait for a pipe and a deadline at once.
        self._readers = [
            threading.Thread(target=self._read, args=(index, stream), daemon=True)
            for index, stream in enumerate((process.stdout, process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def last_words(self) -> str:
        """What has come on standard error and belongs to no command; for when the process has ended."""
        while self._open:
            try:
                self._take(LAST_WORDS_SECONDS)
            except queue.Empty:
                break
        return self._buffers[1].decode("utf-8", "replace").strip()

    def run(self, command: str, seconds: float) -> Result:
        """Run a command; raises TimeoutError when it has not ended in time, and ShellEndedError when the shell has."""
        deadline = time.monotonic() + seconds
        ending = Ending()
        with self._lock:
            definitions, self._definitions = self._definitions, ""
            self._send(f"{definitions}(eval {shlex.quote(command)}) </dev/null\n{ending.line}".encode())
            while not (result := ending.take(self._buffers)):
                if self._open < len(self._buffers):
                    raise ShellEndedError
                try:
                    self._take(max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    raise TimeoutError from None
        return result

    def end(self) -> None:
        """End the process and all that it left; returns when that is done."""
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(END_SECONDS)
        if self._process.stdin:
            self._process.stdin.close()

    def _send(self, data: bytes) -> None:
        stdin = self._process.stdin
        try:
            if stdin:
                stdin.write(data)
                stdin.flush()
        except OSError as error:
            raise ShellEndedError(str(error)) from error

    def _read(self, index: int, stream: IO[bytes] | None) -> None:
        if stream:
            # Closed here and not by `end`: what the shell has left behind may hold the other end for a while, and a
            # pipe that is closed while it is read is an error in this thread.
            with stream:
                while data := stream.read(CHUNK_BYTES):
                    self._arrived.put((index, data))
        self._arrived.put((index, b""))

    def _take(self, seconds: float) -> None:
        where, data = self._arrived.get(timeout=seconds)
        self._buffers[where].extend(data)
        # An empty chunk is the end of its stream.
        self._open -= not data
