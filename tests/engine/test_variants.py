"""Healthy deployments that differ from the document's, as a tree may demand: all stay green."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from builders import buildkit
from runs import DEADLINE_SECONDS, ROOT, SUITE, Things

from pytest_lucid.matrix import load_matrix
from pytest_lucid.stack.build import provenance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import docker

    Run = Callable[..., tuple[int, str]]
    Look = Callable[[], Things]

DEBIAN13 = """
base = "gcr.io/distroless/python3-debian13"
build_arguments = { DEBIAN = "13" }
"""
ELSEWHERE = """
[network]
name = "lucid-elsewhere"
subnet = "10.99.0.0/24"

[[service]]
name = "lucid-data-chain"
ports = [{ number = 8087, published = 18087 }]
"""


@pytest.mark.parametrize(
    ("matrix", "services"),
    [
        pytest.param(DEBIAN13, (), id="debian13"),
        pytest.param(ELSEWHERE, ("--lucid-service=lucid-data-chain",), id="other network, subnet and port"),
    ],
)
def test_variant_is_green(run: Run, things: Look, tmp_path: Path, matrix: str, services: tuple[str, ...]) -> None:
    (tmp_path / "variant.toml").write_text(matrix)
    code, output = run("--lucid-up", "--lucid-matrix=variant.toml", SUITE, *services)
    assert code == 0, output
    assert not things()


SEVENTH = """
[[service]]
name = "lucid-archive"
image = "lucid-archive:latest"
dockerfile = "blockchain/Dockerfile.archive"
cluster = "02-blockchain-core"
ports = [{ number = 8088 }]
storage = ["/data/chunks", "/data/merkle"]
requirements = ["blockchain/requirements.data.txt"]
"""


def test_tree_with_one_service_more_is_green(
    run: Run, things: Look, client: docker.DockerClient, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    for folder in ("03-api-gateway", "blockchain", "common", "service-mesh"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (".dockerignore", "lucid.toml"):
        shutil.copy(ROOT / file, tree)
    text = (tree / "blockchain" / "Dockerfile.data").read_text("utf-8")
    seventh = text.replace("lucid-data-chain", "lucid-archive").replace("8087", "8088")
    (tree / "blockchain" / "Dockerfile.archive").write_text(seventh, "utf-8")
    with (tree / "lucid.toml").open("a", encoding="utf-8") as settings:
        settings.write(SEVENTH)
    suites = (str(ROOT / "tests" / "dockerfile"), SUITE)
    try:
        code, output = run("--lucid-up", f"--lucid-project={tree}", *suites)
        assert code == 0, output
        assert "checks and 7 services: " in output
        assert not things()
    finally:
        client.images.remove("lucid-archive:latest", force=True)


def test_images_that_buildkit_built_are_green(run: Run, client: docker.DockerClient, tmp_path: Path) -> None:
    services = load_matrix(ROOT / "lucid.toml").service
    rows = (f'[[service]]\nname = "{service.name}"\nimage = "{service.name}:buildkit"\n' for service in services)
    (tmp_path / "buildkit.toml").write_text("\n".join(rows), "utf-8")
    program = buildkit()
    try:
        for service in services:
            build(program, str(service.dockerfile), f"{service.name}:buildkit")
        code, output = run("--lucid-host=local", "--lucid-matrix=buildkit.toml", SUITE, "-k", "test_image")
        assert code == 0, output
        history = client.api.history(f"{services[0].name}:buildkit")
        assert any("buildkit" in (layer["Comment"] or "") for layer in history)
    finally:
        for image in client.images.list(filters={"reference": "lucid-*:buildkit"}):
            client.images.remove(str(image.id), force=True)


def build(program: str, dockerfile: str, tag: str) -> None:
    """Build with BuildKit what the plugin has the engine's classic builder build."""
    arguments = [f"--build-arg={name}={value}" for name, value in provenance(ROOT).items()]
    subprocess.run(
        [program, "build", "-q", "-f", dockerfile, "-t", tag, *arguments, "."],
        check=True,
        cwd=ROOT,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        timeout=DEADLINE_SECONDS,
    )
