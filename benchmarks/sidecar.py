"""How long a testinfra command takes inside a distroless container, against testinfra's own backend.

Run it with `nox -s bench`. It prints medians and judges nothing: a figure depends on the machine and what else it does.
"""

from __future__ import annotations

import statistics
import time
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import testinfra
from scene import playing

from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from testinfra.backend.base import BaseBackend
    from testinfra.host import Host

COMMANDS = 500
COMMANDS_OF_DOCKER = 100
# What a test of a file asks, then a process, then a socket: the commands that testinfra issues for each.
QUESTIONS: dict[str, tuple[Callable[[Any], object], ...]] = {
    "File": (
        lambda host: host.file("/tmp/scene/file").exists,
        lambda host: host.file("/tmp/scene/file").is_file,
        lambda host: host.file("/tmp/scene/file").user,
        lambda host: host.file("/tmp/scene/file").group,
        lambda host: host.file("/tmp/scene/file").mode,
        lambda host: host.file("/tmp/scene/file").size,
        lambda host: host.file("/tmp/scene/file").contains("caf"),
        lambda host: host.file("/tmp/scene/file").content,
        lambda host: host.file("/tmp/scene").listdir(),
        lambda host: host.file("/tmp/scene/link").linked_to,
    ),
    "Process": (
        lambda host: host.process.filter(comm="python3"),
        lambda host: host.process.filter(user="nonroot"),
    ),
    "Socket": (
        lambda host: host.socket("tcp://0.0.0.0:7001").is_listening,
        lambda host: host.socket("udp://0.0.0.0:7006").is_listening,
        lambda host: host.socket("unix:///tmp/scene/socket").is_listening,
    ),
}


def commands_of(host: Host) -> dict[str, list[str]]:
    """The commands that testinfra issues for the questions, one for each."""
    issued: list[str] = []
    backend = host.backend
    run = backend.run

    def record(command: str, *args: str, **options: object) -> object:
        issued.append(backend.get_command(command, *args))
        return run(command, *args, **options)

    found: dict[str, list[str]] = {}
    for module, questions in QUESTIONS.items():
        found[module] = []
        for question in questions:
            question(host)
            issued.clear()
            backend.run = record  # type: ignore[method-assign,assignment]  # to listen, not to change
            question(host)
            backend.run = run  # type: ignore[method-assign]
            found[module] += issued[-1:]
    return found


def rows_of(commands: dict[str, list[str]]) -> dict[str, list[str]]:
    """The commands of each module, and those of all modules together."""
    return {**commands, "all": [command for module in commands.values() for command in module]}


def measure(backend: BaseBackend, commands: Sequence[str], count: int) -> list[float]:
    """The seconds that each of `count` commands took, in turns."""
    taken = []
    for command in islice(cycle(commands), count):
        started = time.perf_counter()
        result = backend.run(command)
        taken.append(time.perf_counter() - started)
        # A command that is not found would be fast.
        if result.rc:
            raise SystemExit(f"{command!r} through {backend} failed: {result.stderr}")
    return taken


def main() -> None:
    """Measure both in one run, and print a table."""
    engine = connect()
    with playing(engine.client) as scene:
        session = Session(Sidecar(engine, scene.distroless, Run.new()))
        sidecar = host_through(session)
        docker = testinfra.get_host(f"docker://{scene.debian}")
        asked = [(host.backend, rows_of(commands_of(host))) for host in (sidecar, docker)]
        print(f"{'module':10} {'commands':>8} {'sidecar':>10} {'docker':>10} {'faster':>8}")
        try:
            for module in (*QUESTIONS, "all"):
                ours, theirs = (
                    statistics.median(measure(backend, rows[module], count)) * 1000
                    for (backend, rows), count in zip(asked, (COMMANDS, COMMANDS_OF_DOCKER), strict=True)
                )
                print(f"{module:10} {COMMANDS:8} {ours:7.2f} ms {theirs:7.1f} ms {theirs / ours:6.0f} x")
        finally:
            session.close()
            session.sidecar.remove()


if __name__ == "__main__":
    main()
