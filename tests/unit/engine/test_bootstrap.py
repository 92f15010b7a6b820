from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_lucid.engine.bootstrap import ensure_engine, is_debian, remove_stale
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
