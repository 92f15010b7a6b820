"""Starts a container engine on this machine when none answers: on Debian, as root. Using it belongs to the others."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from docker.context.config import get_current_context_name

from pytest_lucid.engine.connection import connect
from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_PACKAGES = ("docker.io", "iptables")
_LOG = Path("/var/log/dockerd.log")
_SOCKET = "unix:///var/run/docker.sock"
# Where Debian puts dockerd and what it calls; an ordinary PATH lacks them.
_SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_SYSTEMD = Path("/run/systemd/system")
_OS_RELEASE = Path("/etc/os-release")
_PID_FILES = {
    "dockerd": Path("/var/run/docker.pid"),
    "containerd": Path("/var/run/docker/containerd/containerd.pid"),
}
_INSTALL_SECONDS = 600
_START_SECONDS = 60
_END_SECONDS = 60
# In the environment of an engine that this module started: only that one is ended again.
_STARTED = "LUCID_STARTED_ENGINE"
_POLL_SECONDS = 0.2
_LAST_LINES = 8


def ensure_engine(progress: Callable[[str], None]) -> None:
    """Return when an engine answers, after installing and starting Docker where that is possible.

    `progress` gets one line for each thing done. The engine outlives this process. Raises EngineError saying what to
    install or start, or with the last lines of the engine's log.
    """
    try:
        engine = connect()
    except EngineError as error:
        _refuse(error)
    else:
        engine.client.close()
        progress(f"{engine} answers")
        return
    if _dockerd() is None:
        with _timed(progress, f"installed {' and '.join(_PACKAGES)}"):
            _install()
    with _timed(progress, "started the engine"):
        if _SYSTEMD.is_dir():
            _run(["systemctl", "start", "docker"], _START_SECONDS)
            _wait(None)
        else:
            _start()


def restart_engine(progress: Callable[[str], None]) -> None:
    """End the engine of this machine and start it again: engines before 28.1 then count anew what is on networks.

    Without systemd, only an engine that `ensure_engine` started is ended. Raises EngineError where there is none.
    """
    _refuse(EngineError("The engine is not restarted."))
    with _timed(progress, "restarted the engine"):
        if _SYSTEMD.is_dir():
            _run(["systemctl", "restart", "docker"], _END_SECONDS + _START_SECONDS)
            _wait(None)
        else:
            end(own_engine(_PID_FILES["dockerd"]))
            _start()


def own_engine(pid_file: Path) -> int:
    """The process id of the engine that this module started; raises EngineError where another one runs, or none."""
    try:
        number = int(pid_file.read_text(encoding="ascii"))
        environment = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    except (OSError, ValueError) as error:
        raise EngineError(f"no engine runs here by {pid_file}; start one: python -m pytest_lucid engine") from error
    if f"{_STARTED}=1".encode() not in environment:
        raise EngineError(
            f"the engine (process {number}) was not started by python -m pytest_lucid engine; restart it the way it "
            "was started"
        )
    return number


def end(number: int) -> None:
    """End a process by SIGTERM and wait for that; raises EngineError when it takes too long."""
    os.kill(number, signal.SIGTERM)
    until = time.monotonic() + _END_SECONDS
    while _is_alive(number):
        if time.monotonic() > until:
            raise EngineError(f"the engine (process {number}) has not ended {_END_SECONDS} s after SIGTERM")
        time.sleep(_POLL_SECONDS)


def _is_alive(number: int) -> bool:
    try:
        state = re.search(r"\) (\S)", Path(f"/proc/{number}/stat").read_text(encoding="utf-8"))
    except OSError:
        return False
    # A zombie has ended; whoever started it has not yet asked how.
    return state is not None and state[1] not in "ZX"


def _refuse(error: EngineError) -> None:
    """Raise when this machine, or what the user chose, leaves nothing to start here."""
    variables = (os.environ.get("DOCKER_HOST"), os.environ.get("DOCKER_CONTEXT"))
    chosen = next(filter(None, variables), None) or get_current_context_name()
    if chosen not in ("default", _SOCKET):
        raise EngineError(f"{error}\nlucid starts no engine, because {chosen} is given.") from error
    if sys.platform != "linux":
        raise EngineError(f"{error}\nInstall and start Docker Desktop.") from error
    if not is_debian(_OS_RELEASE.read_text(encoding="utf-8") if _OS_RELEASE.is_file() else ""):
        raise EngineError(
            f"{error}\nThis is not Debian: install Docker by its documentation and start the engine."
        ) from error
    if os.geteuid() != 0:
        raise EngineError(
            f"{error}\nThis user may not start an engine: run `sudo apt-get install {' '.join(_PACKAGES)}` and "
            "`sudo systemctl start docker`, and add yourself to the group docker."
        ) from error


def is_debian(os_release: str) -> bool:
    """Return whether an os-release text is that of Debian or of a descendant."""
    facts = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    families = f"{facts.get('ID', '')} {facts.get('ID_LIKE', '')}".replace('"', " ")
    return "debian" in families.split()


def _install() -> None:
    _run(["apt-get", "--quiet", "update"], _INSTALL_SECONDS)
    _run(["apt-get", "--quiet", "--yes", "install", "--no-install-recommends", *_PACKAGES], _INSTALL_SECONDS)


def _start() -> None:
    process = _spawn()
    _wait(process)
    # It is meant to go on, and Popen warns of a child that nobody waited for.
    process.returncode = 0


def _spawn() -> subprocess.Popen[bytes]:
    for name, path in _PID_FILES.items():
        remove_stale(path, name)
    with _LOG.open("ab") as log:
        # A session of its own, so that neither the end of this process nor Ctrl-C in its terminal ends the engine.
        return subprocess.Popen(  # noqa: S603 - no shell, and the one word is a path that this module found
            [_dockerd() or "dockerd"],
            env={**os.environ, _STARTED: "1", "PATH": f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )


def _dockerd() -> str | None:
    return shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")


def remove_stale(path: Path, name: str) -> None:
    """Remove a PID file unless its process is called `name` and alive.

    A killed daemon leaves its file behind, and a new one does not start when any process has that number by now, be
    it a zombie.
    """
    try:
        number = int(path.read_text(encoding="ascii"))
        running = re.match(r"\d+ \((.*)\) ([^ZX])", Path(f"/proc/{number}/stat").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        running = None
    if running is None or running[1] != name:
        path.unlink(missing_ok=True)


def _wait(process: subprocess.Popen[bytes] | None) -> None:
    """Return when the engine answers; raise EngineError when it ends or its time is over."""
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            connect().client.close()
        except EngineError as error:
            ended = process is not None and process.poll() is not None
            if ended or time.monotonic() > until:
                why = "it ended at once" if ended else f"it does not answer after {_START_SECONDS} s"
                raise EngineError(f"dockerd was started, but {why}.\n{_words(process)}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def _words(process: subprocess.Popen[bytes] | None) -> str:
    if process is None:
        return "Its log: journalctl -u docker"
    lines = _LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    return "\n".join([f"The last lines of {_LOG}:", *(f"  {line}" for line in lines)])


def _run(command: Sequence[str], seconds: float) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        # No shell, and every word is a constant of this module.
        subprocess.run(command, env=environment, capture_output=True, timeout=seconds, check=True)  # noqa: S603
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
        raise EngineError("\n  ".join([f"{' '.join(command)} failed:", *said])) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{' '.join(command)}: {error}") from error


@contextmanager
def _timed(progress: Callable[[str], None], what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    progress(f"{what}, {time.monotonic() - started:.1f} s")
