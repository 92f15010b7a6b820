"""How long a testinfra command takes inside a distroless container, against testinfra's own backend.

Run it with `nox -s bench`. It prints the best of several rounds, which depends least on what else the machine does, and
the ratio of both. It judges nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import testinfra
from scene import playing

from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.sidecar.session import Session
from pytest_lucid.sidecar.sidecar import Sidecar
from pytest_lucid.sidecar.testinfra_backend import host_through

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

ROUNDS = 100
ROUNDS_OF_DOCKER = 10
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
    "Process": lambda host: host.process.filter(user="nonroot"),
    "Socket": lambda host: host.socket("tcp://0.0.0.0:7001").is_listening,
    "Package": lambda host: host.package("libc6").is_installed,
    "MountPoint": lambda host: host.mount_point("/tmp").filesystem,
    "User": lambda host: host.user("nonroot").uid,
    "Interface": lambda host: host.interface("eth0").exists,
    "listdir": lambda host: len(host.file("/tmp/many").listdir()),
}


def measure(host: Host, question: Callable[[Any], object], rounds: int) -> float:
    """The least seconds that the question takes; the first round is not counted."""
    question(host)
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        question(host)
        taken.append(time.perf_counter() - started)
    return min(taken)


def main() -> None:
    """Measure both in one run, and print a table."""
    engine = connect()
    with playing(engine.client, PREPARE) as scene:
        session = Session(Sidecar(engine, scene.distroless, Run.new()))
        hosts = host_through(session), testinfra.get_host(f"docker://{scene.debian}")
        print(f"{'module':10} {'sidecar':>10} {'docker':>10} {'faster':>8}")
        try:
            for module, question in QUESTIONS.items():
                ours, theirs = (
                    measure(host, question, rounds)
                    for host, rounds in zip(hosts, (ROUNDS, ROUNDS_OF_DOCKER), strict=True)
                )
                print(f"{module:10} {ours * 1000:7.2f} ms {theirs * 1000:7.1f} ms {theirs / ours:6.1f} x")
        finally:
            session.close()
            session.sidecar.remove()


if __name__ == "__main__":
    main()
