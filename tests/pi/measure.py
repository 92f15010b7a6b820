"""Measures what distance costs: the suite beside the machine's engine, and from here with a delay each way.

`python tests/pi/measure.py`, as root and with the machine up. It brings the stack up there and leaves it running. Local
is pytest in the machine's own network, with the engine's socket: the same engine and containers, and nothing between.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from delay import delayed
from machine import NAME, Machine, found
from wiring import HERE, NETWORK, THERE

ROOT = Path(__file__).parents[2]
SSH = 2222
PORTS = {SSH: 22, 8080: 8080, 8081: 8081, 8084: 8084, 8085: 8085, 8086: 8086, 8087: 8087, 8500: 8500}
DELAYS_MS = (0, 20, 100)
FAR = "far.pi.local"
HEAD = (
    "| way | seconds | more than local, s | in round trips | ssh | requests | outcome |\n|---|---|---|---|---|---|---|"
)
WITHOUT_SIDECARS = "not test_runtime"


def pytest(machine: Machine, *options: str, beside: bool = False) -> tuple[float, int, str]:
    """Run pytest; returns the seconds it took from start to end, its requests to the engine, and its last line."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "requests.log")
        logging = ["-o", f"log_file={log}", "-o", "log_file_level=DEBUG"]
        started = time.monotonic()
        done = subprocess.run(
            [
                *(["nsenter", f"--net=/run/netns/{NETWORK}"] if beside else []),
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                *logging,
                *options,
                "tests/infra",
            ],
            check=False,
            cwd=ROOT,
            env={**os.environ, "PATH": f"{machine.programs}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        seconds = time.monotonic() - started
        requests = len(re.findall(r"localhost:None \"", log.read_text())) if log.exists() else 0
    return seconds, requests, (done.stdout.strip() or done.stderr.strip()).splitlines()[-1].strip("= ")


def main() -> None:
    """Print the table."""
    machine = found()
    if machine is None:
        raise SystemExit("no machine: python tests/pi/machine.py up")
    config = machine.ssh_config.read_text()
    if FAR not in config:
        far = f"Host {FAR}\n  HostName {HERE}\n  Port {SSH}\n  HostKeyAlias {NAME}\n\n"
        machine.ssh_config.write_text(far + config)
    up = ("--lucid-up", "--lucid-keep", "-k", "test_exists")
    with delayed(HERE, THERE, PORTS, 0.0):
        pytest(machine, f"--lucid-host={FAR}", *up)
        # What is remembered of images is so afterwards, for every way alike.
        pytest(machine, f"--lucid-host={FAR}")
    for title, chosen in (("all checks", ()), ("without those that look inside containers", ("-k", WITHOUT_SIDECARS))):
        say(f"\n{title}\n\n{HEAD}")
        local, requests, last = pytest(machine, f"--lucid-host={machine.engine}", *chosen, beside=True)
        say(f"| local | {local:.2f} | | | 0 | {requests} | {last} |")
        for delay in DELAYS_MS:
            with delayed(HERE, THERE, PORTS, delay / 1000) as relay:
                seconds, requests, last = pytest(machine, f"--lucid-host={FAR}", *chosen)
            more = seconds - local
            trips = f"{more / (2 * delay / 1000):.0f}" if delay else ""
            opened = relay.connections.get(SSH, 0)
            say(f"| {delay} ms each way | {seconds:.2f} | {more:.2f} | {trips} | {opened} | {requests} | {last} |")


def say(text: str) -> None:
    """Print at once: each row takes a while."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
