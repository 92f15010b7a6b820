"""A run is hurt in every phase of its life; what it says, how it ends and what it leaves becomes docs/faults.md.

`python tests/engine/faults.py` does all of it, `-k NAME` the faults whose name contains that. A fault that leaves
something behind, or after which the next run is not whole, is a failure of this program.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import DockerException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
DEADLINE_SECONDS = 300
SERVICE, NETWORK = "lucid-fault", "lucid-fault-net"
MATRIX = f"""
extends = "nothing"
prefix = "lucid-"
user = "65532:65532"
health = {{ check = true }}

[network]
name = "{NETWORK}"
driver = "bridge"
subnet = "172.29.77.0/24"

[[service]]
name = "{SERVICE}"
image = "{SERVICE}:latest"
dockerfile = "Dockerfile"
storage = ["/data"]
certificate = "/tls"
ports = [{{ number = 8443, published = 18443, scheme = "https" }}]
"""
# The port opens late, so that there is something to wait for.
SERVER = """
import http.server, ssl, time
time.sleep(3)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/cert.pem", "/tls/key.pem")
server = http.server.ThreadingHTTPServer(("", 8443), http.server.BaseHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
PROBE = '["/usr/bin/python3", "-c", "import socket; socket.create_connection((\'127.0.0.1\', 8443), 2)"]'
DOCKERFILE = f"""FROM gcr.io/distroless/python3-debian12:nonroot
COPY server.py nonce /app/
RUN ["/usr/bin/python3", "-c", "import time; time.sleep(2)"]
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=3s CMD {PROBE}
ENTRYPOINT ["/usr/bin/python3", "/app/server.py"]
"""
TEST = """
import time
import pytest

@pytest.mark.lucid("FAULT-INSIDE", severity="high", remedy="Copy the server into the image.")
def test_looks_inside(lucid_testinfra):
    '''The server is in the container.'''
    assert lucid_testinfra.file("/app/server.py").exists
    time.sleep(1)
"""
Event = dict[str, Any]


def _labels(event: Event) -> dict[str, str]:
    return (event.get("Actor") or {}).get("Attributes") or {}


def _is(event: Event, kind: str, action: str) -> bool:
    return event.get("Type") == kind and str(event.get("Action", "")).startswith(action)


# How the engine's events tell that a phase has begun.
PHASES: dict[str, Callable[[Event], bool]] = {
    "build": lambda e: _is(e, "container", "start") and "lucid.run" not in _labels(e),
    "network": lambda e: _is(e, "network", "create"),
    "volumes": lambda e: _is(e, "volume", "create"),
    "certificate": lambda e: _is(e, "container", "create") and "lucid.run" in _labels(e),
    "start": lambda e: _is(e, "container", "start") and _labels(e).get("name") == SERVICE,
    "wait": lambda e: _is(e, "container", "exec_create") and _labels(e).get("name") == SERVICE,
    "sidecar": lambda e: _is(e, "container", "create") and "-sidecar-" in _labels(e).get("name", ""),
    "checks": lambda e: _is(e, "container", "exec_start") and "-sidecar-" in _labels(e).get("name", ""),
    "tear-down": lambda e: _is(e, "container", "kill") and _labels(e).get("name") == SERVICE,
}
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM}


@dataclass(frozen=True)
class Row:
    """What became of one fault; `left` is what was there when the process had ended, `after` how the next run went."""

    fault: str
    phase: str
    code: int
    said: str
    left: str
    after: str

    @property
    def is_well(self) -> bool:
        """Whether nothing is left, or the next run removed it; a process that is killed can remove nothing."""
        return self.after == "whole, nothing left" and (self.left == "nothing" or self.fault == "SIGKILL")


class Bench:
    """A tree with one small service, and runs of pytest in it, each in a process of its own."""

    def __init__(self, folder: Path, client: docker.DockerClient) -> None:
        self.folder = folder
        self._client = client
        # An empty network of an earlier run is there where the engine miscounted.
        self._others = {
            str(c.id) for c in (*client.containers.list(all=True, ignore_removed=True), *client.networks.list())
        }
        for name, text in {
            "lucid.toml": MATRIX, "Dockerfile": DOCKERFILE, "server.py": SERVER, "test_inside.py": TEST,
            "pytest.ini": "[pytest]\n",
        }.items():  # fmt: skip
            (folder / name).write_text(text)
        self.renew()

    def renew(self) -> None:
        """Let the next build begin anew."""
        (self.folder / "nonce").write_text(str(time.monotonic_ns()))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a run."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "--lucid-up", *arguments]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LUCID_", "PYTEST_"))}
        return subprocess.Popen(
            command, cwd=self.folder, env={**inherited, "COLUMNS": "200", **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def left(self) -> str:
        """What runs, and builds, have left on the engine."""
        of_runs = {"label": "lucid.run"}
        containers = self._client.containers.list(all=True, ignore_removed=True)
        names = [f"container {c.name}" for c in containers if c.id not in self._others]
        names += [f"network {n.name}" for n in self._client.networks.list(filters=of_runs) if n.id not in self._others]
        names += [f"volume {v.name}" for v in self._client.volumes.list(filters=of_runs)]
        return ", ".join(sorted(names)) or "nothing"

    def row(self, fault: str, phase: str, process: subprocess.Popen[str]) -> Row:
        """Wait for the end of the run, and run once more."""
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        # The engine ends an interrupted build by itself.
        deadline = time.monotonic() + 10
        while (left := self.left()) != "nothing" and phase == "build" and time.monotonic() < deadline:
            time.sleep(0.2)
        code = process.returncode
        again, _ = (process := self.start()).communicate(timeout=DEADLINE_SECONDS)
        after = self.left()
        whole = process.returncode == 0 and "1 of 1 services healthy" in again and "1 passed" in again
        if not whole:
            sys.stdout.write(again)
        return Row(fault, phase, code, said(output), left, f"{'whole' if whole else again[-300:]}, {after} left")


def said(output: str) -> str:
    """The line that tells how a run ended: the error, else the last lines of ours and of pytest."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.strip("! ") for line in lines if line.startswith(("ERROR: ", "E  ", "!!!"))]
    ours = [line for line in lines if line.startswith("lucid: removed")]
    return " / ".join(dict.fromkeys((*errors[:1], *ours[-1:]))) or (lines[-1] if lines else "nothing")


@contextmanager
def watched(client: docker.DockerClient, phase: str) -> Iterator[threading.Event]:
    """An event that is set when the engine says that the phase has begun."""
    begun = threading.Event()
    events = client.events(decode=True)

    def listen() -> None:
        try:
            for event in events:
                if PHASES[phase](event):
                    begun.set()
                    return
        except (DockerException, OSError, ValueError):
            return  # it was closed, because the run ended without

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield begun
    finally:
        events.close()


def hurt(bench: Bench, client: docker.DockerClient, name: str, phase: str) -> Row:
    """Send a signal to a run when the phase begins."""
    if phase == "build":
        bench.renew()
    with watched(client, phase) as begun:
        process = bench.start()
        while not begun.wait(0.02) and process.poll() is None:
            pass
        if process.poll() is not None:
            raise SystemExit(f"{phase} was not seen:\n{process.communicate()[0]}")
        process.send_signal(SIGNALS[name])
    return bench.row(name, phase, process)


def full_disk(bench: Bench) -> Iterator[Row]:
    """No room where files are written: pytest's and our JUnit, and in the build."""
    yield bench.row("disk full", "writing JUnit", bench.start("--lucid-junit=/dev/full"))
    yield bench.row("disk full", "writing pytest's JUnit", bench.start("--junitxml=/dev/full"))
    dockerfile = bench.folder / "Dockerfile"
    dockerfile.write_text(
        DOCKERFILE.replace("time; time.sleep(2)", "os; os.write(os.open('/dev/full', os.O_WRONLY), b'x')")
    )
    process = bench.start()
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    left = bench.left()
    if process.returncode == 0:
        raise SystemExit(f"the disk was not full:\n{output}")
    dockerfile.write_text(DOCKERFILE)
    again = bench.row("", "", bench.start())
    told = next((line.strip() for line in output.splitlines() if "No space left" in line), said(output))
    yield Row("disk full", "build", process.returncode, f"{said(output)} … {told}", left, again.after)


def two_runs(bench: Bench, client: docker.DockerClient) -> Row:
    """A second run while the first is at its checks."""
    with watched(client, "sidecar") as begun:
        first = bench.start()
        begun.wait(DEADLINE_SECONDS)
        second = bench.start()
        output, _ = second.communicate(timeout=DEADLINE_SECONDS)
    first.communicate(timeout=DEADLINE_SECONDS)
    row = bench.row("", "", bench.start())
    first_well = "" if first.returncode == 0 else f"; the first run ended with {first.returncode}"
    return Row("a second run", "checks", second.returncode, said(output) + first_well, row.left, row.after)


def silent_engine(bench: Bench) -> Row:
    """An engine that takes connections and says nothing."""
    path = bench.folder / "silent.sock"
    with closing(socket.socket(socket.AF_UNIX)) as silent:
        silent.bind(str(path))
        silent.listen(64)
        process = bench.start(DOCKER_HOST=f"unix://{path}")
        row = bench.row("an engine that never answers", "start of the run", process)
    path.unlink()
    return row


def restarting(bench: Bench) -> Row:
    """A service that ends and is started again, over and over."""
    matrix = bench.folder / "lucid.toml"
    matrix.write_text(f'{MATRIX}restart = "always"\n')
    server = bench.folder / "server.py"
    server.write_text("raise SystemExit('no')\n")
    process = bench.start("--lucid-timeout=10")
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    left = bench.left()
    matrix.write_text(MATRIX)
    server.write_text(SERVER)
    again = bench.row("", "", bench.start())
    state = next((line.strip() for line in output.splitlines() if f"{SERVICE} is " in line), "")
    return Row("a container that restarts all the time", "wait", process.returncode, state, left, again.after)


def rows(bench: Bench, client: docker.DockerClient, wanted: str) -> Iterator[Row]:
    """Every fault whose name contains `wanted`."""
    for name in SIGNALS:
        for phase in PHASES:
            if wanted in f"{name} {phase}":
                yield hurt(bench, client, name, phase)
    if wanted in "disk full":
        yield from full_disk(bench)
    if wanted in "a second run":
        yield two_runs(bench, client)
    if wanted in "an engine that never answers":
        yield silent_engine(bench)
    if wanted in "restarts all the time":
        yield restarting(bench)


def page(found: list[Row]) -> str:
    """The table in Markdown."""
    head = (
        "# Faults\n\nMade by `nox -s faults` from real runs: what a run of one small service says, how it ends and "
        "what it leaves, whatever happens to it and whenever. A process that gets SIGKILL can remove nothing: the next "
        "run does.\n\n"
        "| fault | phase | exit code | last words | left behind | next run |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    lines = ("| " + " | ".join((r.fault, r.phase, str(r.code), _shown(r), r.left, r.after)) + " |\n" for r in found)
    return head + "".join(lines)


def _shown(row: Row) -> str:
    """The last words of a process that had time for any."""
    return row.said[:200].replace("|", "\\|") if row.code >= 0 else ""


def main() -> int:
    """Hurt runs; 0 if each fault came out well."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("-k", default="", help="only the faults whose name contains this")
    parser.add_argument("--page", type=Path, help=f"write the table, as {PAGE.name} has it")
    chosen = parser.parse_args()
    client = docker.from_env()
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), client)
        for row in rows(bench, client, chosen.k):
            found.append(row)
            sys.stdout.write(f"{'well' if row.is_well else 'ILL'}: {row}\n")
            sys.stdout.flush()
    if chosen.page:
        chosen.page.write_text(page(found), "utf-8")
    return int(not all(row.is_well for row in found))


if __name__ == "__main__":
    sys.exit(main())
