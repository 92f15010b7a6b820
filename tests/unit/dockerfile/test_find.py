"""Which files are Dockerfiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.dockerfile.find import find_dockerfiles, is_dockerfile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "dockerfile",
        "Dockerfile.engine",
        "dockerfile.x",
        "x.Dockerfile",
        "x.dockerfile",
        "DOCKERFILE",
        "Dockerfile-dev",
        "Dockerfile.py",
        "Dockerfile.arm64.v8",
        "a.b.Dockerfile",
        "Containerfile",
        "dockerfile.happy",
    ],
)
def test_is_one(name: str) -> None:
    assert is_dockerfile(name)


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile.dockerignore",
        "x.Dockerfile.dockerignore",
        "Dockerfile.md",
        "dockerfile.py",
        "dockerfile-parse.js",
        ".dockerfile",
        "mydockerfile",
        "Dockerfiles",
        "Dockerfile~",
        "Dockerfile.swp",
        "Dockerfile.j2",
        "Dockerfile.test.js",
        "Dockerfile.erb",
        "docker-compose.yml",
        "dockerfile.yaml",
        "test_dockerfile.py",
        "Dockerfile.bak",
        "dockerfile.",
        "Dockerfile_test",
    ],
)
def test_is_none(name: str) -> None:
    assert not is_dockerfile(name)


def test_walk(tmp_path: Path) -> None:
    for name in (
        *("Dockerfile", "b/Dockerfile.x", "b/c/y.dockerfile"),
        *(".git/Dockerfile", "b/node_modules/Dockerfile", ".venv/Dockerfile", "env/pyvenv.cfg", "env/lib/Dockerfile"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "d/Dockerfile").mkdir(parents=True)
    assert [path.relative_to(tmp_path).as_posix() for path in find_dockerfiles(tmp_path)] == [
        "Dockerfile",
        "b/Dockerfile.x",
        "b/c/y.dockerfile",
    ]


def test_links_make_no_loop(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").touch()
    try:
        (tmp_path / "again").symlink_to(tmp_path)
        (tmp_path / "Dockerfile.gone").symlink_to("nowhere")
    except OSError:
        pytest.skip("this system lets the user make no symlinks")
    assert find_dockerfiles(tmp_path) == (tmp_path / "Dockerfile",)
