"""How long a stack of N small services takes to be healthy and to be checked, and what its health probes cost then.

`python benchmarks/scale.py 6 20 60`; the services are made here. The probes' cost is the processor time of the whole
machine while nobody asks anything, above that of the machine without the stack.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NUMBERS = (6, 20)
IDLE_SECONDS = 20
FIRST_PORT = 18100
HEAD = """
extends = "platform"
without = ["content", "contract", "api", "labels", "registered"]

[network]
name = "lucid-scale"
driver = "bridge"
subnet = "172.29.0.0/16"
"""
ROW = """
[[service]]
name = "lucid-scale-{number}"
image = "lucid-scale-{number}:latest"
dockerfile = "Dockerfile"
storage = []
ports = [{{ number = 8080, published = {port} }}]
"""
SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
PROBE = (
    '["/usr/bin/python3", "-c", "import urllib.request as r; r.urlopen(\'http://127.0.0.1:8080/health\', timeout=5)"]'
)
DOCKERFILE = f"""FROM gcr.io/distroless/python3-debian12:nonroot
COPY server.py /app/server.py
ENV LOG_LEVEL=INFO PYTHONPATH=/app
USER 65532:65532
HEALTHCHECK --interval=30s --timeout=10s --retries=3 --start-period=10s CMD {PROBE}
ENTRYPOINT ["/usr/bin/python3", "/app/server.py"]
"""


def tree(folder: Path, count: int) -> None:
    """Write a project of `count` services that share one image."""
    rows = "".join(ROW.format(number=number, port=FIRST_PORT + number) for number in range(count))
    (folder / "lucid.toml").write_text(HEAD + rows)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "server.py").write_text(SERVER)
    (folder / "pytest.ini").write_text("[pytest]\n")


def busy() -> float:
    """The seconds of processor time that the machine has spent so far."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def idle_cost() -> float:
    """How many processors the machine keeps busy while nobody asks anything."""
    before = busy()
    time.sleep(IDLE_SECONDS)
    return (busy() - before) / IDLE_SECONDS


def pytest(folder: Path, *arguments: str) -> str:
    """Run pytest in a project; returns its output."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout  # noqa: S603 - argv only


def main() -> int:
    """Measure stacks of the given sizes; one line each."""
    without = idle_cost()
    for count in [int(each) for each in sys.argv[1:]] or NUMBERS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            tree(folder, count)
            up = pytest(folder, "--lucid-up", "--lucid-keep", "--pyargs", "pytest_lucid.suite", "-k", "test_exists")
            healthy = re.search(r"(\d+ of \d+ services healthy) after ([\d.]+) s", up)
            cost = idle_cost() - without
            started = time.monotonic()
            checks = pytest(folder, "--lucid-host=local", "--pyargs", "pytest_lucid.suite")
            took = time.monotonic() - started
            load = os.getloadavg()[0]
            started = time.monotonic()
            subprocess.run([sys.executable, "-m", "pytest_lucid", "down"], cwd=folder, check=True, capture_output=True)
            removed = time.monotonic() - started
        answer = healthy.groups() if healthy else (up[-500:], "?")
        result = checks.strip().splitlines()[-1].strip("= ")
        sys.stdout.write(
            f"{count} services: {answer[0]} after {answer[1]} s; idle, their probes take {cost:.2f} processors; "
            f"checks {took:.0f} s ({result}), load {load:.1f}; removed in {removed:.1f} s\n"
        )
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
