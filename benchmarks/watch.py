"""How soon `watch` tells of a stopped service, what it costs while nothing happens, and what many rounds leave behind.

`nox -s bench -- watch` brings the six services up; it needs Linux, for the processor time and memory of processes.
`nox -s watch_rounds -- 1000` makes so many looks at one of them, and shows what the processes of a watcher then hold.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import IO, TYPE_CHECKING

import docker
import requests

from pytest_lucid.watch.round import Plan, Rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
SERVICE = "lucid-data-chain"
CELL = f"CTR-RUNNING[{SERVICE}@local]"
TURNS = 5
IDLE_SECONDS = 30
PATIENCE_SECONDS = 120
STEADY_SECONDS = 5
"""So long nothing may run before a measurement: the round after an event is over then."""


@contextmanager
def stack() -> Iterator[docker.DockerClient]:
    """The six services, up."""
    # What was compiled once is kept, as where the wheel is installed.
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    python = [sys.executable, "-m"]
    subprocess.run([*python, "pytest", "-q", "--lucid-up", "--lucid-keep", "tests/infra/test_network.py"], check=True)  # noqa: S603 - ours
    try:
        yield docker.from_env()
    finally:
        subprocess.run([*python, "pytest_lucid", "down"], check=True)  # noqa: S603 - ours


class Watching:
    """A watcher that makes a round at the beginning, and then only when something happens."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "pytest_lucid", "watch", "--every", "3600", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603 - ours
        self._said, errors = opened(self.process.stdout), opened(self.process.stderr)
        self._url = errors.readline().rpartition("see ")[2].strip()

    def steady(self) -> None:
        """Wait until everything is green, and no round has been made for a while."""
        until(lambda: self._health()["status"] == "healthy")
        since = time.monotonic()
        while time.monotonic() - since < STEADY_SECONDS:
            if self.in_round():
                since = time.monotonic()
            time.sleep(0.1)

    def _health(self) -> dict[str, str]:
        found: dict[str, str] = requests.get(f"{self._url}healthz", timeout=10).json()
        return found

    def in_round(self) -> bool:
        """Whether a round is being made."""
        return any(children(warm) for warm in children(self.process.pid))

    def answer(self, outcome: str) -> float:
        """When the line came that says so of the service."""
        for line in self._said:
            change = json.loads(line)
            if (change.get("cell"), change.get("after")) == (CELL, outcome):
                return time.monotonic()
        raise RuntimeError("the watcher ended")

    def cpu(self) -> float:
        """The seconds of processor time of the watcher and of the process that makes its rounds."""
        return sum(processor(pid) for pid in (self.process.pid, *children(self.process.pid)))

    def end(self) -> float:
        """End it with SIGTERM; returns how long that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()
        return time.monotonic() - began


def opened(stream: IO[str] | None) -> IO[str]:
    """A stream that was asked for."""
    if stream is None:
        raise TypeError("no stream")
    return stream


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, within a bound."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes that the threads of a process have started."""
    found = (task.joinpath("children").read_text() for task in Path(f"/proc/{pid}/task").iterdir())
    return [int(child) for each in found for child in each.split()]


def processor(pid: int) -> float:
    """The seconds of processor time of a process itself."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def held(pid: int) -> str:
    """The memory and file descriptors of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    resident = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return f"{resident / 1024:.1f} MiB, {len(list(Path(f'/proc/{pid}/fd').iterdir()))} descriptors"


def shown(seconds: list[float]) -> str:
    """Median and range."""
    return f"median {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def watch(client: docker.DockerClient) -> None:
    """Stop a service again and again beside a watcher, and look at it between rounds and at its end."""
    before = {container.id for container in client.containers.list(all=True)}
    service = client.containers.get(SERVICE)
    watching = Watching()
    since_stop, since_end = [], []
    for _ in range(TURNS):
        watching.steady()
        began = time.monotonic()
        service.stop()
        ended = time.monotonic()
        answer = watching.answer("failed")
        since_stop.append(answer - began)
        since_end.append(answer - ended)
        service.start()
        watching.answer("passed")
    print(f"from `docker stop` to the line: {shown(since_stop)}; from the end of `docker stop`: {shown(since_end)}")
    client.containers.get("consul").restart()
    watching.steady()
    reconnect(client)
    watching.steady()
    print("Consul restarted, the service taken from its network and back: healthy again")
    started = watching.cpu()
    time.sleep(IDLE_SECONDS)
    print(f"between rounds: {100 * (watching.cpu() - started) / IDLE_SECONDS:.2f} % of a processor")
    print(f"SIGTERM between rounds: ended after {watching.end():.2f} s")
    watching = Watching()
    until(watching.in_round)
    time.sleep(1)
    print(f"SIGTERM in a round: ended after {watching.end():.2f} s")
    left = {container.id for container in client.containers.list(all=True)} - before
    print(f"containers left behind: {len(left)}", flush=True)


def reconnect(client: docker.DockerClient) -> None:
    """Take the service from its network and back."""
    settings = client.containers.get(SERVICE).attrs["NetworkSettings"]["Networks"]
    for name, there in settings.items():
        network = client.networks.get(name)
        network.disconnect(SERVICE)
        network.connect(SERVICE, aliases=there["Aliases"], ipv4_address=(there["IPAMConfig"] or {}).get("IPv4Address"))


def rounds(number: int) -> None:
    """Look at one service again and again, and print what this process and the one that makes rounds hold."""
    made = Rounds(Plan(("local",), ROOT))
    try:
        for each in range(1, number + 1):
            found = made.make(SERVICE)
            if found is None or any(cell.outcome.is_red for cell in found.report.cells):
                raise RuntimeError(f"round {each} is not green")
            if each in {10, number // 10, number // 2, number}:
                (warm,) = children(os.getpid())
                print(f"after {each} rounds: watcher {held(os.getpid())}; its rounds' {held(warm)}", flush=True)
    finally:
        made.stop()


def main() -> None:
    """Measure one or the other."""
    with stack() as client:
        if sys.argv[1:]:
            rounds(int(sys.argv[1]))
        else:
            watch(client)


if __name__ == "__main__":
    main()
