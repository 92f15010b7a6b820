"""A tree with one small service, runs of pytest in it, and what became of a run that was hurt."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import docker

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
IMAGE_TEST = """
import pytest

@pytest.mark.lucid("FAULT-FILES", severity="high", remedy="Copy the server into the image.")
def test_has_the_server(lucid_inventory):
    '''The server is in the image.'''
    assert "app/server.py" in {entry.path for entry in lucid_inventory.files}
"""


# Those who are killed, or whose engine is gone.
POWERLESS = ("SIGKILL", "the engine ends", "the engine restarts")


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
        """Whether nothing is left, or the next run removed it: whoever is POWERLESS can remove nothing."""
        return self.after == "whole, nothing left" and (self.left == "nothing" or self.fault in POWERLESS)


class Bench:
    """A tree with one small service, and runs of pytest in it, each in a process of its own."""

    def __init__(self, folder: Path, client: docker.DockerClient) -> None:
        self.folder = folder
        self.client = client
        # What is there already is not the faults' doing.
        self._others = self._found()
        for name, text in {
            "lucid.toml": MATRIX, "Dockerfile": DOCKERFILE, "server.py": SERVER, "test_inside.py": TEST,
            "pytest.ini": "[pytest]\n",
        }.items():  # fmt: skip
            (folder / name).write_text(text)
        self.renew()

    def renew(self) -> None:
        """Let the next build begin anew."""
        (self.folder / "nonce").write_text(str(time.monotonic_ns()))

    def start(self, *arguments: str, up: bool = True, **environment: str) -> subprocess.Popen[str]:
        """Start a run, on what it brings up or on what is there."""
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--color=no",
            "--lucid-up" if up else "--lucid-host=local",
        ]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LUCID_", "PYTEST_"))}
        return subprocess.Popen(
            [*command, *arguments], cwd=self.folder, env={**inherited, "COLUMNS": "200", **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def left(self) -> str:
        """What runs, and builds, have left on the engine."""
        return ", ".join(sorted(name for key, name in self._found().items() if key not in self._others)) or "nothing"

    def _found(self) -> dict[str, str]:
        """All containers, and the networks and volumes of runs, by id."""
        of_runs = {"label": "lucid.run"}
        containers = self.client.containers.list(all=True, ignore_removed=True)
        return {
            **{str(each.id): f"container {each.name}" for each in containers},
            **{str(each.id): f"network {each.name}" for each in self.client.networks.list(filters=of_runs)},
            **{str(each.id): f"volume {each.name}" for each in self.client.volumes.list(filters=of_runs)},
        }

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
    ours = [line for line in lines if line.startswith("lucid: removed") or "made is still there" in line]
    return " / ".join(dict.fromkeys((*errors[:1], *ours[-1:]))) or (lines[-1] if lines else "nothing")
