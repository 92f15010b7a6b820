"""A POSIX shell at the other end of two pipes, which runs one command after the other.

The end of a command is told, on each output, by a line with a number drawn for it. Starting the program that leads to
the shell, and what to do when it ends, belongs to others.
"""

from __future__ import annotations

import queue
import re
import secrets
import shlex
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import IO

CHUNK_BYTES = 256 * 1024
LAST_WORDS_SECONDS = 1.0
END_SECONDS = 2.0


class ShellEndedError(Exception):
    """The shell, or the way to it, is gone."""


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code, and the bytes of both outputs."""

    code: int
    stdout: bytes
    stderr: bytes


class Shell:
    """The shell that `process` leads to. Commands of several threads wait for each other."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._arrived: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._buffers = (bytearray(), bytearray())
        self._open = len(self._buffers)
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
        nonce = secrets.token_hex(16)
        end = f"printf '\\036{nonce} %d\\n' $code"
        line = f"(eval {shlex.quote(command)}) </dev/null; code=$?; {end}; {end} >&2\n"
        ending = re.compile(rb"\x1e" + nonce.encode() + rb" (\d+)\n")
        deadline = time.monotonic() + seconds
        with self._lock:
            self._send(line.encode())
            ends = [self._await(index, ending, deadline) for index in (0, 1)]
            out, err = (bytes(buffer[: found[0]]) for buffer, found in zip(self._buffers, ends, strict=True))
            for buffer, found in zip(self._buffers, ends, strict=True):
                del buffer[: found[1]]
        return Result(ends[0][2], out, err)

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
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def _send(self, data: bytes) -> None:
        stdin = self._process.stdin
        try:
            if stdin:
                stdin.write(data)
                stdin.flush()
        except OSError as error:
            raise ShellEndedError(str(error)) from error

    def _await(self, index: int, ending: re.Pattern[bytes], deadline: float) -> tuple[int, int, int]:
        """Start and end of the line that ends the command, and the exit code in it."""
        while not (found := ending.search(self._buffers[index])):
            if self._open < len(self._buffers):
                raise ShellEndedError
            try:
                self._take(max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError from None
        return found.start(), found.end(), int(found[1])

    def _read(self, index: int, stream: IO[bytes] | None) -> None:
        while stream and (data := stream.read(CHUNK_BYTES)):
            self._arrived.put((index, data))
        self._arrived.put((index, b""))

    def _take(self, seconds: float) -> None:
        where, data = self._arrived.get(timeout=seconds)
        self._buffers[where].extend(data)
        # An empty chunk is the end of its stream.
        self._open -= not data
