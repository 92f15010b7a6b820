"""A few random .dockerignore files and Dockerfiles against the engine's builder; `nox -s engine_fuzz` compares many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from engine_fuzz import BATCH, buildx, differing_dockerfiles, differing_sets, ignore_lines

from pytest_lucid.dockerfile.ignore import parse_ignore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """These tests start no run, and write their builds to a stream."""


@pytest.mark.engine
def test_engine_keeps_the_same_files(tmp_path: Path) -> None:
    with buildx() as client:
        assert not differing_sets(client, range(BATCH), tmp_path)


def test_sets_keep_some_files_and_leave_some_out() -> None:
    verdicts = [parse_ignore("\n".join(ignore_lines(n))).ignores(f"s{n}/d/b.py") for n in range(BATCH)]
    assert min(verdicts.count(True), verdicts.count(False)) > BATCH // 10


def test_parser_reads_the_same_instructions() -> None:
    pytest.importorskip("dockerfile", reason="BuildKit's parser has wheels for Linux on x86-64 alone")
    assert not list(differing_dockerfiles(range(2000)))
