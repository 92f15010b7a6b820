"""One shell that stays open in a sidecar, and the commands that it runs one after the other.

A command's end is told by a line on each output that begins with a number drawn for that command, so that output may be
any bytes of any length. What the commands are good for does not belong here.
"""

from __future__ import annotations

import re
import secrets
import shlex
import threading
import time
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.stream import Stream, StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.sidecar.sidecar import Sidecar

DEADLINE_SECONDS = 30.0
OPEN_SECONDS = 20.0
SILENCE_SECONDS = 1.0
# Before the shell changes its root to the target's, it opens the toolbox as 9 and an empty input as 8: both stay
# reachable afterwards, and neither a file nor a mount appears in the target. One process all the way, because orphans
# would end up as children of the target's first process.
ENTER = "exec 9</bin 8</dev/null; exec /proc/self/fd/9/busybox chroot /proc/1/root /proc/self/fd/9/busybox sh"
# Words without any meaning to a shell, so that no syntax error can swallow what follows.
PLAIN = re.compile(r"[a-z0-9-]+(?: +(?:[\w@%+=:,./-]|'[^']*')+)*", re.ASCII)
# Programs that cannot change the shell which starts them; all others get a shell of their own, which costs a fork.
# fmt: off
HARMLESS = frozenset((
    "cat", "command", "dpkg-query", "env", "find", "getent", "grep", "id", "ip", "ls", "md5sum", "pip", "ps",
    "readlink", "realpath", "sha256sum", "ss", "stat", "sysctl", "test", "uname",
))
# fmt: on
# Of those, the ones that write nothing to standard error when they succeed.
SILENT = frozenset(("cat", "ls", "readlink", "realpath", "stat", "test"))


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code, and the bytes of both outputs."""

    code: int
    stdout: bytes
    stderr: bytes


class Session:
    """Runs commands in the sidecar `sidecar`, as root of the target's root, processes and network.

    It is opened by the first command, and once more when it turns out to be dead. Commands of several threads wait for
    each other.
    """

    def __init__(self, sidecar: Sidecar, deadline: float = DEADLINE_SECONDS) -> None:
        self.sidecar = sidecar
        self._deadline = deadline
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._pid = 0

    def open(self) -> None:
        """Open it now, unless it is; raises like `run`."""
        with self._lock:
            if not self._stream:
                self._open()

    def run(self, command: str) -> Result:
        """Run a shell command; raises EngineError when it does not end in time or the session dies of it twice."""
        return self.run_all([command])[0]

    def run_all(self, commands: Sequence[str]) -> list[Result]:
        """Run shell commands one after the other, without waiting for an answer before the next is sent.

        Raises like `run`. Commands and answers on the way must be short: nobody reads while they are sent.
        """
        with self._lock:
            try:
                return self._run(commands)
            except StreamClosedError:
                self._drop()
            try:
                return self._run(commands)
            except StreamClosedError as error:
                self._drop()
                raise EngineError(
                    f"the session inside {self.sidecar.target} ended twice while running {_shown(commands)} ({error}); "
                    f"expected it to stay open. Look for what ends {self.sidecar.name}."
                ) from error

    def close(self) -> None:
        """Let the shell inside end."""
        with self._lock:
            self._drop()

    def _run(self, commands: Sequence[str]) -> list[Result]:
        stream = self._stream or self._open()
        deadline = time.monotonic() + self._deadline
        try:
            # What is silent leaves no mark on standard error, so that nothing may follow it.
            asked = [_ask(stream, command, deadline, alone=len(commands) == 1) for command in commands]
            return [_answer(stream, question, deadline) for question in asked]
        except TimeoutError as error:
            self._drop()
            self.sidecar.end_commands_of(self._pid)
            raise EngineError(
                f"{_shown(commands)} inside {self.sidecar.target} "
                f"did not end within {self._deadline:g} s and was killed"
            ) from error

    def _open(self) -> Stream:
        container = self.sidecar.ensure()
        deadline = time.monotonic() + OPEN_SECONDS
        with engine_errors(f"opening a session inside {self.sidecar.target}"):
            stream = Stream(self.sidecar.engine, container, ["/bin/busybox", "sh", "-c", ENTER])
        try:
            shims = files(__package__).joinpath("shims.sh").read_text("utf-8")
            stream.send(shims.encode(), deadline)
            opened = _answer(stream, _send(stream, "echo $$", deadline), deadline)
            self._pid = int(opened.stdout)
        except (TimeoutError, StreamClosedError, ValueError) as error:
            said = stream.buffers.stderr.decode("utf-8", "replace").strip()
            stream.close()
            raise EngineError(
                f"no session could be opened inside {self.sidecar.target} ({said or error}); "
                f"expected a static busybox in {self.sidecar.toolbox}"
            ) from error
        self._stream = stream
        return stream

    def _drop(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None


@dataclass(frozen=True)
class _Question:
    """A command that was sent: the number that marks its end, and whether success leaves no mark on standard error."""

    nonce: str
    silent: bool


def _ask(stream: Stream, command: str, deadline: float, *, alone: bool) -> _Question:
    """Send a command so that it can neither change the shell nor take its input."""
    if PLAIN.fullmatch(command) and (program := command.partition(" ")[0]) in HARMLESS:
        return _send(stream, f"{command} <&8", deadline, silent=alone and program in SILENT)
    # Told to end, the shell does so once its child has: see END in sidecar.py.
    return _send(stream, f"(trap 'exit 143' TERM; eval {shlex.quote(command)}) <&8", deadline)


def _send(stream: Stream, line: str, deadline: float, *, silent: bool = False) -> _Question:
    """Send one line, and have its end marked."""
    nonce = secrets.token_hex(16)
    stream.send(f"{line}\n_end {nonce}{' silent' if silent else ''}\n".encode(), deadline)
    return _Question(nonce, silent)


def _answer(stream: Stream, question: _Question, deadline: float) -> Result:
    """Take what the oldest question's line writes, until its end shows on both outputs; on one where it is silent."""
    mark = f"\x1e{question.nonce} ".encode()
    outputs = (stream.buffers.stdout, stream.buffers.stderr)
    searched, ends, nexts = [0, 0], [-1, -1], [0, 0]
    code = -1
    while True:
        for index, output in enumerate(outputs):
            if ends[index] >= 0:
                continue
            start = output.find(mark, searched[index])
            if start >= 0 and (stop := output.find(b"\n", start)) >= 0:
                ends[index], nexts[index], code = start, stop + 1, int(output[start + len(mark) : stop])
                if question.silent and code == 0:
                    ends[1], nexts[1] = 0, len(outputs[1])
            # The mark of the end may have come in two pieces.
            searched[index] = start if start >= 0 else max(0, len(output) - len(mark))
        if min(ends) >= 0:
            break
        _await(stream, deadline)
    stdout, stderr = (bytes(memoryview(output)[:end]) for output, end in zip(outputs, ends, strict=True))
    for output, following in zip(outputs, nexts, strict=True):
        del output[:following]
    return Result(code, stdout, stderr)


def _shown(commands: Sequence[str]) -> str:
    return repr("; ".join(commands)[:200])


def _await(stream: Stream, deadline: float) -> None:
    """Wait for more output; while none comes, look from time to time whether the session still lives."""
    try:
        stream.receive(min(deadline, time.monotonic() + SILENCE_SECONDS))
    except TimeoutError:
        stream.check()
        if time.monotonic() >= deadline:
            raise
