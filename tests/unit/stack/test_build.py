"""What a build says of a machine that cannot send it its files."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest

from pytest_lucid.engine.connection import Engine
from pytest_lucid.errors import EngineError
from pytest_lucid.matrix import load_matrix
from pytest_lucid.stack.build import BuildPlan, _build
from pytest_lucid.stack.build_order import BuildProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import resource

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="other limits, other users")


def build(tree: Path) -> None:
    """Build a service; packing its files is the first that happens, and no engine is there for the second."""
    client = docker.DockerClient(base_url="unix:///nowhere", version="1.41")
    engine = Engine(client, "unix:///nowhere", "", "", "", (1, 41), "amd64", 0)
    service = load_matrix(None).service[0].model_copy(update={"dockerfile": "Dockerfile"})
    _build(engine, BuildPlan(tree, {}, None), service, BuildProgress(b"FROM scratch\n"))


@contextmanager
def small_files() -> Iterator[None]:
    """No file may be larger than 1 MiB."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def somebody() -> Iterator[None]:
    """A user who may not read everything."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


# The SDK leaves the file open that it could not write.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_room_for_the_files_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "large").write_bytes(bytes(2 << 20))
    with (
        small_files(),
        pytest.raises(EngineError, match=r"no room for the files that a build may copy.*make room there"),
    ):
        build(tmp_path)
    gc.collect()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_file_that_cannot_be_read_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # Those above pytest's own folder are closed to others, and the usual folder for temporary files may be.
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as temporary:
        Path(temporary).chmod(0o777)
        monkeypatch.setattr(tempfile, "tempdir", temporary)
        tree = Path(name)
        tree.chmod(0o755)
        (tree / "Dockerfile").write_text("FROM scratch\n")
        (tree / "private").touch(mode=0)
        with somebody(), pytest.raises(EngineError, match=r"cannot be read: .*private.*dockerignore"):
            build(tree)
        gc.collect()
