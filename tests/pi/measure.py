"""Measures what distance costs: the suite on this machine's engine, and on the other machine with a delay each way.

`python tests/pi/measure.py`, as root and with the machine up. It brings the stack up on both engines, prints a table,
and removes what it brought up here.
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
from machine import HERE, NAME, THERE, Machine, found

ROOT = Path(__file__).parents[2]
SSH = 2222
PORTS = {SSH: 22, 8080: 8080, 8081: 8081, 8084: 8084, 8085: 8085, 8086: 8086, 8087: 8087, 8500: 8500}
DELAYS_MS = (0, 20, 100)
FAR = "far.pi.local"
ROW = "| {:<15} | {:>7.2f} | {:>3} | {:>8} | {}"
WITHOUT_TWINS = "not test_runtime"


def pytest(machine: Machine, *options: str) -> tuple[float, int, str]:
    """Run pytest; returns the seconds it took from start to end, its requests to the engine, and its last line."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "requests.log")
        logging = ["-o", f"log_file={log}", "-o", "log_file_level=DEBUG"]
        started = time.monotonic()
        done = subprocess.run(  # noqa: S603 - words of this module only
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *logging, *options, "tests/infra"],
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
    for title, chosen in (("all checks", ()), ("without those that look inside containers", ("-k", WITHOUT_TWINS))):
        say(f"\n{title}\n\n| way             | seconds | ssh | requests | outcome\n| --- | --- | --- | --- | ---")
        pytest(machine, "--lucid-host=local", *up)
        seconds, requests, last = pytest(machine, "--lucid-host=local", *chosen)
        say(ROW.format("local", seconds, 0, requests, last))
        subprocess.run([sys.executable, "-m", "pytest_lucid", "down"], check=True)  # noqa: S603 - likewise
        with delayed(HERE, THERE, PORTS, 0.0):
            pytest(machine, f"--lucid-host={FAR}", *up)
        for delay in DELAYS_MS:
            with delayed(HERE, THERE, PORTS, delay / 1000) as relay:
                seconds, requests, last = pytest(machine, f"--lucid-host={FAR}", *chosen)
            say(ROW.format(f"{delay} ms each way", seconds, relay.connections.get(SSH, 0), requests, last))


def say(text: str) -> None:
    """Print at once: each row takes a while."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
