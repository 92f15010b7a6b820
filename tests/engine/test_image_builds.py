"""What builds give: the same content from the same commit, and healthy images on the other Debian too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runs import ROOT, SUITE

from pytest_lucid.image.compare import differences
from pytest_lucid.images import find_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import docker

    Run = Callable[..., tuple[int, str]]

SERVICE = "blockchain/Dockerfile.data"


def test_two_builds_differ_in_nothing_but_dates(client: docker.DockerClient) -> None:
    tags = ["lucid-test-build:1", "lucid-test-build:2"]
    try:
        for tag in tags:
            client.images.build(path=str(ROOT), dockerfile=SERVICE, tag=tag, nocache=True, rm=True, forcerm=True)
        first, second = (find_image(tag) for tag in tags)
        assert first[0].id != second[0].id
        assert not list(differences(first, second))
    finally:
        for tag in tags:
            client.images.remove(tag, force=True)


def test_the_debian13_variant_passes_every_check(run: Run, tmp_path: Path) -> None:
    services = ("api-gateway", "blockchain-engine", "session-anchoring", "block-manager", "data-chain")
    names = [f"lucid-{name}" for name in (*services, "service-mesh-controller")]
    rows = "".join(f'[[service]]\nname = "{name}"\nimage = "{name}:debian13"\n' for name in names)
    matrix = tmp_path / "debian13.toml"
    matrix.write_text(
        f'base = "gcr.io/distroless/python3-debian13"\n[build_arguments]\nDEBIAN = "13"\n{rows}', encoding="utf-8"
    )
    code, output = run("--lucid-build", f"--lucid-matrix={matrix}", SUITE, "-k", "test_image")
    assert code == 0, output
