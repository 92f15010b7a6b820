"""The simulation of COPY and ADD against what BuildKit builds: copies.toml holds every form of source and target."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from builders import buildkit

from pytest_lucid.audit.rootfs.build_simulation import follow
from pytest_lucid.config import toml
from pytest_lucid.dockerfile.context import read_context
from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.dockerfile.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

ROWS: list[dict[str, Any]] = toml.loads((Path(__file__).parent / "copies.toml").read_text("utf-8"))["row"]
DEADLINE_SECONDS = 120
# What the engine itself puts into a container.
ENGINE = ("dev", "etc", "proc", "sys", ".dockerenv")
TAG = "lucid-test-copies"


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """These tests start no run: a build leaves nothing but its image, which is removed."""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("context")
    (root / "d" / "in").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "d/x", "d/in/y", "fake.tar"):
        (root / name).write_text(name, "utf-8")
    (root / "link").symlink_to("a.txt")
    (root / "dlink").symlink_to("d")
    with tarfile.open(root / "pack.tar", "w") as archive:
        archive.add(root / "a.txt", "p/q")
    return root


@pytest.fixture(scope="module")
def url(context: Path) -> Iterator[str]:
    """The address of a server of the context, for ADD; the engine that builds here reaches this machine's own."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(context))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def built(client: docker.DockerClient, context: Path, dockerfile: str) -> set[str]:
    """Every file of the image that BuildKit makes."""
    subprocess.run(
        [buildkit(), "build", "-q", "-f", "-", "-t", TAG, "."],
        check=True,
        cwd=context,
        input=dockerfile,
        text=True,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        timeout=DEADLINE_SECONDS,
    )
    container = client.containers.create(TAG, "x")
    try:
        data = b"".join(container.export())  # type: ignore[arg-type]  # bytes; the stubs say text
    finally:
        container.remove()
        client.images.remove(TAG, force=True)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = {member.name.rstrip("/") for member in archive if not member.isdir()}
    return {f"/{name}" for name in names if name.split("/")[0] not in ENGINE}


def candidates(files: set[str]) -> set[str]:
    """Where a file could be instead: in, or instead of, any folder that occurs in the table."""
    folders = ("", "/w", "/w/v", "/n", "/n/m", "/o", "/o/a", "/o/in", "/v", "/all", "/s", "/w/n")
    names = ("a.txt", "b.txt", "x", "y", "in", "link", "fake.tar", "pack.tar", "d", "m", "one.txt")
    return {f"{folder}/{name}" for folder in folders for name in names} | set(filter(None, folders)) | files


@pytest.mark.engine
@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"].replace(" ", "-")) for row in ROWS])
def test_copies_end_where_buildkit_puts_them(
    client: docker.DockerClient, context: Path, url: str, row: dict[str, Any]
) -> None:
    dockerfile = "FROM scratch\n" + "\n".join(row["lines"]).replace("{url}", url) + "\n"
    files = built(client, context, dockerfile)
    assert files or row.get("vague")
    facts = resolve(parse(dockerfile))
    rootfs = follow(facts, read_context(context)).stages[len(facts.stages) - 1]
    folders = {"/".join(path.split("/")[:depth]) for path in files for depth in range(2, path.count("/") + 1)}
    for path in sorted(candidates(files)):
        there = path in files or path in folders
        answer = rootfs.exists(path)
        if row.get("vague"):
            assert answer != "no" or not there, path
        elif there or answer != "yes" or rootfs.is_folder(path) != "yes":
            # Empty folders, as of WORKDIR, are not among the files.
            assert answer == ("yes" if there else "no"), path
