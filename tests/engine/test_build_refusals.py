"""What BuildKit refuses, and what it accepts, against the parser: rows are built on a base that needs no registry."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from builders import buildkit

from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.dockerfile.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_SECONDS = 120
# Old engines take a --chmod that they cannot read for none, so that it is not among these.
# Above a row stands FROM scratch; a row that begins with FROM stands alone.
REFUSED = (
    "FROM Debian:12",
    "FROM debian:",
    "FROM debian@sha256:abc",
    "FROM a//b",
    "COPY --from=Busybox:1 /a /a",
    "STOPSIGNAL SIGNEVER",
    "STOPSIGNAL 0",
    'RUN --mount=type=volume,target=/x ["/a"]',
    'RUN --mount=type=cache,target=/x,path=/y ["/a"]',
    'RUN --mount=type=cache,target=/x,sharing=all ["/a"]',
    'RUN --mount=type=bind,target=/x,required ["/a"]',
    'RUN --mount=type=secret,id ["/a"]',
    'RUN --network=bridge ["/a"]',
    'ENV A="${B:?must}"',
    "EXPOSE x",
    "HEALTHCHECK --interval=fast CMD a",
    "MAKE a",
)
ACCEPTED = (
    "COPY --chmod=0755 a /a",
    "STOPSIGNAL rtmin+3",
    "STOPSIGNAL 9",
    "STOPSIGNAL SIGTERM",
    'ARG B=1\nENV A="${B:?must}"',
    "EXPOSE 80/TCP 1000-1003",
    "COPY . .",
    "COPY ../a /a",
    "VOLUME /x /y",
)


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """These tests start no run: a build that fails leaves nothing, and the others leave no tag."""


def is_built(folder: Path, dockerfile: str) -> bool:
    (folder / "a").write_text("a", "utf-8")
    done = subprocess.run(
        [buildkit(), "build", "-q", "-f", "-", "."],
        check=False,
        cwd=folder,
        input=dockerfile,
        capture_output=True,
        text=True,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        timeout=DEADLINE_SECONDS,
    )
    return done.returncode == 0


def whole(row: str) -> str:
    return f"{row}\n" if row.startswith("FROM") else f"FROM scratch\n{row}\n"


@pytest.mark.engine
@pytest.mark.parametrize("row", REFUSED)
def test_both_refuse(tmp_path: Path, row: str) -> None:
    assert resolve(parse(whole(row))).problems
    assert not is_built(tmp_path, whole(row))


@pytest.mark.engine
@pytest.mark.parametrize("row", ACCEPTED)
def test_both_accept(tmp_path: Path, row: str) -> None:
    assert not resolve(parse(whole(row))).problems
    assert is_built(tmp_path, whole(row))
