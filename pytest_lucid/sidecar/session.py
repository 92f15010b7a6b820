"""One shell that stays open in a sidecar, and the commands that it runs one after the other.

What the commands mean is not decided here.
"""

from __future__ import annotations

import os
import re
import shlex
import threading
import time
from importlib.resources import files
from typing import TYPE_CHECKING

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.engine.shell_protocol import DEFINITIONS, Ending
from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import subreaper
from pytest_lucid.sidecar.program import bringing
from pytest_lucid.sidecar.stream import Stream, StreamClosedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.engine.shell_protocol import Result
    from pytest_lucid.sidecar.sidecar import Sidecar

DEADLINE_SECONDS = 30.0
OPEN_SECONDS = 20.0
SILENCE_SECONDS = 1.0
# Before the shell changes its root to the target's, it opens the toolbox as 9 and an empty input as 8: both stay
# reachable afterwards, and neither a file nor a mount appears in the target. One process all the way, because orphans
# would end up as children of the target's first process.
ENTER = (
    "exec 9</bin 8</dev/null; {bring}"
    "exec {under}/proc/self/fd/9/busybox chroot /proc/1/root /proc/self/fd/9/busybox {run}"
)
# In this order: aliases change what is read after them.
SHIMS = ("session", "files", "users", "names", "network", "refusals", "programs", "aliases")
# Words without any meaning to a shell, so that no syntax error can swallow what follows.
PLAIN = re.compile(r"[a-z0-9_-]+(?: +(?:[\w@%+=:,./-]|'[^']*')+)*", re.ASCII)
# Programs that cannot change the shell which starts them; all others get a shell of their own, which costs a fork.
# fmt: off
HARMLESS = frozenset((
    "cat", "command", "env", "find", "getent", "grep", "id", "ip", "ls", "md5sum", "readlink", "realpath",
    "sha256sum", "stat", "sysctl", "test", "uname",
    "_any_file", "_ask_kernel", "_connects", "_entries", "_names_in", "_show", "_sockets",
))
# fmt: on
# Of those, the ones that write nothing to standard error when they succeed.
SILENT = frozenset(("cat", "ls", "readlink", "realpath", "stat", "test", "_names_in", "_show"))
# What the shell writes when the limit of processes is reached; a command that could not be started has no answer.
NO_PROCESS = re.compile(rb"(?m)^[\w./-]+: .{0,40}can't fork|: Resource temporarily unavailable$")

# By what the toolbox wrote when no session came about.
REMEDIES = {
    "can't fork": "expected free processes; look for what fills the limit",
    "Permission denied": "expected to be let in; look for a security profile (AppArmor, SELinux) that keeps it out",
}


class Session:
    """Runs commands in the sidecar `sidecar`, as root of the target's root, processes and network.

    It is opened by the first command, and once more when it turns out to be dead. Commands of several threads wait for
    each other.
    """

    def __init__(self, sidecar: Sidecar, deadline: float = DEADLINE_SECONDS) -> None:
        self.sidecar = sidecar
        self._deadline = deadline
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._container = ""
        self._pid = 0
        # Whether the first process overwrote its variables, so that those of the container's configuration count.
        self.is_environment_overwritten = False

    def open(self) -> None:
        """Open it now, unless it is; raises like `run`."""
        self._leave_parent()
        with self._lock:
            if not self._stream:
                self._open()

    def run(self, command: str) -> Result:
        """Run a shell command; raises EngineError when it does not end in time, or ends the session."""
        return self.run_all([command])[0]

    def run_all(self, commands: Sequence[str]) -> list[Result]:
        """Run shell commands one after the other, without waiting for an answer before the next is sent.

        Raises like `run`. Commands and answers on the way must be short: nobody reads while they are sent.
        """
        self._leave_parent()
        deadline = time.monotonic() + self._deadline
        if not self._lock.acquire(timeout=self._deadline):
            raise EngineError(
                f"{_shown(commands)} inside {self.sidecar.target} waited {self._deadline:g} s for the commands of "
                "other threads and was not started"
            )
        try:
            try:
                return self._run(commands, deadline)
            except StreamClosedError as error:
                self._drop()
                if self.sidecar.is_running(self._container):
                    raise self._ended(commands, error) from error
            # The sidecar was gone already, or the target's end took it along: the commands get a new one.
            try:
                return self._run(commands, time.monotonic() + self._deadline)
            except StreamClosedError as error:
                self._drop()
                self.sidecar.demand_target()
                raise self._ended(commands, error) from error
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let the shell inside end."""
        with self._lock:
            self._drop()

    def _leave_parent(self) -> None:
        """In a forked child, leave the parent's stream and connections to the parent."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._lock = threading.Lock()
            self._stream = None
            self.sidecar.engine.client.close()

    def _ended(self, commands: Sequence[str], error: Exception) -> EngineError:
        return EngineError(
            f"{_shown(commands)} ended the session inside {self.sidecar.target} ({error}); expected it to stay open. "
            f"Let the command not end its shell; look for what ends processes in {self.sidecar.name}."
        )

    def _run(self, commands: Sequence[str], deadline: float) -> list[Result]:
        stream = self._stream or self._open()
        try:
            # What is silent leaves no mark on standard error, so that nothing may follow it.
            asked = [_ask(stream, command, deadline, alone=len(commands) == 1) for command in commands]
            answers = [_answer(stream, question, deadline) for question in asked]
        except TimeoutError as error:
            self._drop()
            self.sidecar.end_commands_of(self._pid)
            raise EngineError(
                f"{_shown(commands)} inside {self.sidecar.target} "
                f"did not end within {self._deadline:g} s and was killed"
            ) from error
        for command, answer in zip(commands, answers, strict=True):
            if answer.code and NO_PROCESS.search(answer.stderr):
                raise EngineError(
                    f"{_shown([command])} inside {self.sidecar.target} could start no process "
                    f"({answer.stderr.decode('utf-8', 'replace').strip()[-200:]}); expected at most as many at once "
                    f"as {self.sidecar.name} may have"
                )
        return answers

    def _open(self) -> Stream:
        self._container = container = self.sidecar.ensure()
        deadline = time.monotonic() + OPEN_SECONDS
        with engine_errors(f"opening a session inside {self.sidecar.target}"):
            stream = Stream(self.sidecar.engine, container, entering(self.sidecar.engine.architecture, "sh"))
        placement = self.sidecar.placement
        try:
            stream.send((definitions() + f"\\cd {shlex.quote(placement.directory)}\n").encode(), deadline)
            opened = _answer(stream, _send(stream, 'echo "$$ $_variables"', deadline), deadline)
            pid, *names = opened.stdout.decode("utf-8", "replace").split()
            self._pid = int(pid)
            configured = [entry.partition("=")[0] for entry in placement.environment]
            self.is_environment_overwritten = bool(configured) and not set(configured) & set(names)
            if self.is_environment_overwritten:
                exports = "".join(f"_export {shlex.quote(entry)}\n" for entry in placement.environment)
                kept = shlex.quote("\x1e".join(placement.environment))
                line = f"{exports}PATH=/proc/self/fd/9:$_target_path _overwritten={kept}"
                _answer(stream, _send(stream, line, deadline), deadline)
        except (TimeoutError, StreamClosedError, ValueError) as error:
            if isinstance(error, StreamClosedError):
                # It may have ended before it was sent anything; why it did stands in what it wrote.
                stream.read_to_the_end(min(deadline, time.monotonic() + SILENCE_SECONDS))
            said = stream.buffers[1].decode("utf-8", "replace").strip()
            stream.close()
            self.sidecar.demand_target()
            remedy = next((remedy for sign, remedy in REMEDIES.items() if sign in said), None)
            remedy = remedy or f"expected a static busybox in {self.sidecar.toolbox}"
            raise EngineError(
                f"no session could be opened inside {self.sidecar.target} ({said or error}); {remedy}"
            ) from error
        self._stream = stream
        return stream

    def _drop(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None


def definitions() -> str:
    """Return what the shell reads first: the shims, with each awk program as a variable."""
    folder = files(__package__) / "shims"
    programs = sorted(
        (entry.name.removesuffix(".awk"), entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".awk")
    )
    variables = "".join(f"_awk_{name}={shlex.quote(text)}\n" for name, text in programs)
    shims = "".join((folder / f"{name}.sh").read_text("utf-8") for name in SHIMS)
    return f"{DEFINITIONS}{variables}{shims}"


def entering(architecture: str, run: str) -> list[str]:
    """Return the command that starts `run` (an applet and its options) in the root of the target."""
    program = subreaper.program(architecture)
    bring = bringing(subreaper.PATH, program) if program else ""
    under = f"{subreaper.PATH} " if program else ""
    return ["/bin/busybox", "sh", "-c", ENTER.format(bring=bring, under=under, run=run)]


def _ask(stream: Stream, command: str, deadline: float, *, alone: bool) -> Ending:
    """Send a command so that it can neither change the shell nor take its input."""
    if PLAIN.fullmatch(command) and (program := command.partition(" ")[0]) in HARMLESS:
        return _send(stream, f"{command} <&8", deadline, silent=alone and program in SILENT)
    return _send(stream, f"(eval {shlex.quote(command)}) <&8", deadline)


def _send(stream: Stream, line: str, deadline: float, *, silent: bool = False) -> Ending:
    """Send one line; what it leaves running is ended, and then its end is marked."""
    ending = Ending(silent=silent)
    stream.send(f"{line}\n_sweep\n{ending.line}".encode("utf-8", "surrogateescape"), deadline)
    return ending


def _answer(stream: Stream, ending: Ending, deadline: float) -> Result:
    """Wait for the end of the oldest command, and take its answer."""
    while not (result := ending.take(stream.buffers)):
        _await(stream, deadline)
    return result


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
