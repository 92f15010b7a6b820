"""Faults that are no signals: full disks, a second run, engines that fall silent or end, a service that never stays."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from fault_bench import DEADLINE_SECONDS, DOCKERFILE, IMAGE_TEST, MATRIX, SERVER, SERVICE, TEST, Bench, Row, said
from fault_phases import watched

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    answer = next((line.strip() for line in output.splitlines() if "No space left" in line), said(output))
    yield Row("disk full", "build", process.returncode, f"{said(output)} … {answer}", left, again.after)


def full_temporary(bench: Bench) -> Row:
    """No room where the files of a build go before they are sent."""
    folder = bench.folder / "tmp"
    folder.mkdir()
    (bench.folder / "nonce").write_bytes(bytes(9 << 20))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "lucid-fault", str(folder)], check=True)
    try:
        process = bench.start(TMPDIR=str(folder))
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
        left = bench.left()
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    bench.renew()
    again = bench.row("", "", bench.start())
    return Row("disk full", "sending a build", process.returncode, said(output), left, again.after)


def full_while_reading(bench: Bench) -> Row:
    """No room where a large file of an image goes while it is looked at."""
    folder = bench.folder / "tmp"
    folder.mkdir(exist_ok=True)
    test = bench.folder / "test_inside.py"
    test.write_text(IMAGE_TEST)
    (bench.folder / "nonce").write_bytes(bytes(9 << 20))
    bench.start("--lucid-keep").communicate(timeout=DEADLINE_SECONDS)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "lucid-fault", str(folder)], check=True)
    try:
        process = bench.start("--lucid-no-cache", TMPDIR=str(folder), up=False)
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    test.write_text(TEST)
    bench.renew()
    subprocess.run([sys.executable, "-m", "pytest_lucid", "down"], check=True, cwd=bench.folder, capture_output=True)
    left = bench.left()
    again = bench.row("", "", bench.start())
    answer = next((line.strip() for line in output.splitlines() if "no room" in line), output[-500:])
    return Row("disk full", "reading an image", process.returncode, answer, left, again.after)


def jumping_clock(bench: Bench) -> Row:
    """The clock of this machine goes an hour ahead while checks are made; its process sees it so."""
    package = importlib.util.find_spec("libfaketime")
    if package is None or package.origin is None:
        raise SystemExit("libfaketime is not installed: `pip install libfaketime`, as `nox -s faults` does")
    library = next(Path(package.origin).parent.rglob("libfaketime.so.1"))
    ahead = bench.folder / "ahead"
    ahead.write_text("+0\n")
    with watched(bench.client, "checks") as begun:
        process = bench.start(
            LD_PRELOAD=str(library), FAKETIME_TIMESTAMP_FILE=str(ahead), FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )  # fmt: skip
        begun.wait(DEADLINE_SECONDS)
        ahead.write_text("+3600\n")
    return bench.row("the clock jumps an hour", "checks", process)


def two_runs(bench: Bench) -> Row:
    """A second run while the first is at its checks."""
    with watched(bench.client, "sidecar") as begun:
        first = bench.start()
        begun.wait(DEADLINE_SECONDS)
        # It must not end before the second one has begun.
        first.send_signal(signal.SIGSTOP)
        second = bench.start()
        output, _ = second.communicate(timeout=DEADLINE_SECONDS)
        first.send_signal(signal.SIGCONT)
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


def ended_engine(bench: Bench, *, again: bool) -> Row:
    """An engine that ends while checks are made, with all its containers; it is started `again` at once, or later."""
    with watched(bench.client, "checks") as begun:
        process = bench.start()
        while not begun.wait(0.02) and process.poll() is None:
            pass
        stop_engine()
        if again:
            start_engine()
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    if not again:
        start_engine()
    # Its connections are those to the engine that ended.
    bench.client.close()
    left = bench.left()
    sys.stdout.write(output)
    after = bench.row("", "", bench.start()).after
    what = "the engine restarts" if again else "the engine ends"
    return Row(what, "checks", process.returncode, said(output), left, after)


def stop_engine() -> None:
    """End the engine of this machine as its service manager would; raises TimeoutError."""
    process = int(Path("/var/run/docker.pid").read_text())
    os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{process}").exists():
        if time.monotonic() > deadline:
            raise TimeoutError("the engine does not end")
        time.sleep(0.1)


def start_engine() -> None:
    """Start the engine as a user would."""
    subprocess.run([sys.executable, "-m", "pytest_lucid", "engine"], check=True, capture_output=True)


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
