"""How long a testinfra command takes inside a distroless container, against testinfra's own backend.

Run it with `nox -s bench -- sidecar`, and with `--write` behind it for docs/testinfra.md. It prints the best of several
rounds, which depends least on what else the machine does, and the ratio of both. It judges nothing.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import testinfra
from scene import playing
from tables import write

from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from testinfra.host import Host

ROUNDS = 15
# As often each round asks the sidecar.
TIMES = 10
CHILDREN = 11
NAMES = 20_000
# What the docker backend is asked with: a directory of many names, and as many processes as a small service has.
PREPARE = f"""
import os, time
os.makedirs("/tmp/many")
for number in range({NAMES}):
    open(f"/tmp/many/name-{{number}}", "w").close()
for _ in range({CHILDREN}):
    if os.fork() == 0:
        time.sleep(100000)
"""
QUESTIONS: dict[str, Callable[[Any], object]] = {
    "File": lambda host: host.file("/tmp/scene/file").mode,
    "Process.get(pid)": lambda host: host.process.get(pid=1),
    "Process.filter": lambda host: host.process.filter(user="nonroot"),
    "Socket": lambda host: host.socket("tcp://0.0.0.0:7001").is_listening,
    "Package": lambda host: host.package("libc6").is_installed,
    "Package, none": lambda host: host.package("nothing").is_installed,
    "MountPoint": lambda host: host.mount_point("/tmp").filesystem,
    "User": lambda host: host.user("nonroot").uid,
    "Interface": lambda host: host.interface("eth0").exists,
    "listdir": lambda host: len(host.file("/tmp/many").listdir()),
}


def measure(question: Callable[[Any], object], ours: Host, theirs: Host) -> tuple[float, float]:
    """The least seconds that the question takes each; in turn, so that what else the machine does meets both alike."""
    taken: tuple[list[float], list[float]] = [], []
    for host in (ours, theirs):
        question(host)
    for _ in range(ROUNDS):
        for host, times, seconds in zip((ours, theirs), (TIMES, 1), taken, strict=True):
            for _ in range(times):
                started = time.perf_counter()
                question(host)
                seconds.append(time.perf_counter() - started)
    return min(taken[0]), min(taken[1])


def compare(names: Collection[str] = QUESTIONS.keys()) -> dict[str, tuple[float, float]]:
    """Measure in one run: question → the sidecar's seconds, and those of testinfra's docker backend."""
    engine = connect()
    with playing(engine.client, PREPARE) as scene:
        session = Session(Sidecar(engine, scene.distroless, Run.new()))
        ours, theirs = host_through(session), testinfra.get_host(f"docker://{scene.debian}")
        try:
            return {name: measure(QUESTIONS[name], ours, theirs) for name in names}
        finally:
            session.close()
            session.sidecar.remove()


def main() -> None:
    """Print a table, and with `--write` put it into docs/testinfra.md."""
    table = ["| asked | the sidecar | testinfra's docker backend | faster |", "| --- | --: | --: | --: |"]
    for name, (ours, theirs) in compare().items():
        table.append(f"| {name} | {ours * 1000:.2f} ms | {theirs * 1000:.1f} ms | {theirs / ours:.0f} × |")
    print("\n".join(table))
    if "--write" in sys.argv:
        write("speed", table)


if __name__ == "__main__":
    main()
