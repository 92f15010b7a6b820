from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest
from runs import DEADLINE_SECONDS, SERVICES, SUITE, Things, await_start

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    import docker

    Run = Callable[..., tuple[int, str]]
    Start = Callable[..., subprocess.Popen[str]]
    Look = Callable[[], Things]

WORKERS = pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])


def rows(output: str) -> list[str]:
    """The names of the services in the printed table."""
    return re.findall(r"^(lucid-[a-z-]+) .*✓", output, re.MULTILINE)


def failed(output: str) -> set[str]:
    """The services of which something is told."""
    return set(re.findall(r"^── (\S+): \d+ (?:failed|error)", output, re.MULTILINE))


@WORKERS
def test_up_builds_once_checks_every_cell_and_leaves_nothing(run: Run, things: Look, workers: tuple[str, ...]) -> None:
    code, output = run("--lucid-up", SUITE, *workers)
    assert code == 0, output
    assert output.count("lucid-data-chain:latest: ") == 1
    assert len(re.findall(r"^lucid: removed run", output, re.MULTILINE)) == 1
    assert set(rows(output)) == SERVICES
    assert re.search(
        r"^\d+ cells of \d+ checks and 6 services: (?:\d+ waived, )?\d+ skipped, \d{3} passed$", output, re.MULTILINE
    )
    assert not failed(output)
    assert not things()


@WORKERS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_interrupted_run_leaves_nothing(
    start: Start, things: Look, waiting_test: Path, workers: tuple[str, ...], number: signal.Signals
) -> None:
    process = start("--lucid-up", str(waiting_test), *workers)
    await_start(waiting_test.parent, process)
    assert things().containers == {"consul", *SERVICES}
    process.send_signal(number)
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert not things(), output


def test_run_interrupted_during_bring_up_leaves_nothing(start: Start, things: Look, waiting_test: Path) -> None:
    process = start("--lucid-up", str(waiting_test))
    assert process.stdout is not None
    for line in process.stdout:
        if "started consul" in line:
            break
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert not things(), output


def test_killed_worker_leaves_nothing(start: Start, things: Look, waiting_test: Path) -> None:
    process = start("--lucid-up", str(waiting_test), "-n1", "--max-worker-restart=0")
    os.kill(await_start(waiting_test.parent, process), signal.SIGKILL)
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode not in (0, None), output
    assert "crashed" in output
    assert not things(), output


def test_what_a_killed_run_left_is_removed_by_the_next(
    start: Start, run: Run, things: Look, waiting_test: Path
) -> None:
    process = start("--lucid-up", str(waiting_test))
    await_start(waiting_test.parent, process)
    process.kill()
    process.communicate()
    assert things()
    code, output = run("--lucid-up", "--lucid-service=lucid-data-chain", SUITE)
    assert code == 0, output
    assert re.search(r"removed run \w+, left over: .*lucid-data-chain", output)
    assert not things()


def test_two_runs_at_a_time_are_refused(start: Start, run: Run, things: Look, waiting_test: Path) -> None:
    process = start("--lucid-up", "--lucid-service=lucid-data-chain", str(waiting_test))
    await_start(waiting_test.parent, process)
    before = things()
    code, output = run("--lucid-up", SUITE)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "another run of this user is using" in output
    assert things() == before


def test_kept_stack_is_checked_later_and_a_stopped_service_fails_alone(
    run: Run, things: Look, client: docker.DockerClient
) -> None:
    code, output = run("--lucid-up", "--lucid-keep", SUITE, "-k", "test_exists")
    assert code == 0, output
    assert things().containers == {"consul", *SERVICES}
    code, output = run("--lucid-host=local", SUITE)
    assert code == 0, output

    client.containers.get("lucid-data-chain").stop()
    code, output = run("--lucid-host=local", SUITE)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert failed(output) == {"lucid-data-chain"}
    assert output.count("lucid-data-chain: last log lines") == 1
    assert re.search(r"\d\d:\d\d:\d\d INFO .*(stop|shut)", output, re.IGNORECASE)

    client.containers.get("lucid-block-manager").remove(force=True)
    code, output = run("--lucid-host=local", SUITE)
    assert code == pytest.ExitCode.TESTS_FAILED, output
    assert failed(output) == {"lucid-data-chain", "lucid-block-manager"}
    assert "there is no container called lucid-block-manager" in output
