from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_lucid.engine.bootstrap import end, ensure_engine, is_debian, own_engine, remove_stale, restart_engine
from pytest_lucid.errors import EngineError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\n', True),
        ('ID="debian"\n', True),
        ("ID=ubuntu\nID_LIKE=debian\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ("ID=fedora\n", False),
        ("ID=debianesque\n", False),
        ("", False),
    ],
)
def test_debian_is_known_by_its_id_or_its_family(text: str, *, expected: bool) -> None:
    assert is_debian(text) is expected


@pytest.mark.skipif(sys.platform != "linux", reason="dockerd and /proc are Linux's")
@pytest.mark.parametrize("content", ["", "not a number", "999999999", pytest.param(str(os.getpid()), id="alive")])
def test_a_stale_pid_file_goes(tmp_path: Path, content: str) -> None:
    path = tmp_path / "docker.pid"
    path.write_text(content, encoding="ascii")
    remove_stale(path, "dockerd")
    assert not path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="dockerd and /proc are Linux's")
def test_the_pid_file_of_a_live_daemon_stays(tmp_path: Path) -> None:
    path = tmp_path / "docker.pid"
    path.write_text(str(os.getpid()), encoding="ascii")
    remove_stale(path, Path("/proc/self/comm").read_text(encoding="utf-8").strip())
    assert path.exists()


def test_no_pid_file_is_no_error(tmp_path: Path) -> None:
    remove_stale(tmp_path / "docker.pid", "dockerd")


def test_nothing_is_started_here_when_another_engine_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    done: list[str] = []
    with pytest.raises(EngineError, match=r"lucid starts no engine, because tcp://127\.0\.0\.1:9 is given"):
        ensure_engine(done.append)
    assert done == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DOCKER_HOST", "tcp://127.0.0.1:9"),
        pytest.param("DOCKER_CONTEXT", "gone-from-here", id="context gone"),
    ],
)
def test_another_engine_is_not_restarted_from_here(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    done: list[str] = []
    with pytest.raises(EngineError, match=rf"not restarted\.\n.* because {value} is given"):
        restart_engine(done.append)
    assert done == []


@pytest.mark.skipif(sys.platform != "linux", reason="dockerd and /proc are Linux's")
@pytest.mark.parametrize("content", [None, "not a number", "999999999"])
def test_an_engine_that_does_not_run_is_not_restarted(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "docker.pid").write_text(content, encoding="ascii")
    with pytest.raises(EngineError, match=r"no engine runs here by .*docker\.pid; start one: python -m pytest_lucid"):
        own_engine(tmp_path / "docker.pid")


@pytest.mark.skipif(sys.platform != "linux", reason="dockerd and /proc are Linux's")
@pytest.mark.parametrize("started_here", [True, False])
def test_only_an_engine_that_was_started_here_is_ended(tmp_path: Path, *, started_here: bool) -> None:
    environment = {**os.environ, "LUCID_STARTED_ENGINE": "1" if started_here else "0"}
    script = "import time; print('up', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"up\n"
            (tmp_path / "docker.pid").write_text(str(process.pid), encoding="ascii")
            if started_here:
                end(own_engine(tmp_path / "docker.pid"))
                assert process.wait(timeout=10) == -15
            else:
                with pytest.raises(EngineError, match=rf"process {process.pid}\) was not started by python -m pytest_"):
                    own_engine(tmp_path / "docker.pid")
                assert process.poll() is None
        finally:
            process.kill()
