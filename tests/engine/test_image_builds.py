"""What builds give: the same content from the same commit, and healthy images on the other Debian too."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from runs import ROOT, SUITE

from pytest_lucid.image.compare import differences
from pytest_lucid.target.images import find_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import docker
    import pytest

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


def test_layers_are_read_once_and_a_changed_image_is_seen(
    run: Run, client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    requests = tmp_path / "requests.log"

    def check(*options: str) -> tuple[int, int]:
        """Returns the exit code, and how often images were asked for."""
        log = ("-o", f"log_file={requests}", "-o", "log_file_level=DEBUG")
        code, _ = run("--lucid-build", "--lucid-service=lucid-data-chain", SUITE, "-k", "test_image", *log, *options)
        return code, requests.read_text("utf-8").count("/images/get?")

    assert check() == (0, 1)
    assert check() == (0, 0)
    assert check("--lucid-no-cache") == (0, 1)
    text = b"FROM lucid-data-chain:latest\nCOPY --from=busybox:1.36.1-musl /bin/busybox /usr/bin/helper\n"
    try:
        client.images.build(fileobj=io.BytesIO(text), tag="lucid-test-changed:1", rm=True, forcerm=True)
        (tmp_path / "changed.toml").write_text(
            '[[service]]\nname = "lucid-data-chain"\nimage = "lucid-test-changed:1"\n', "utf-8"
        )
        code, output = run(
            "--lucid-host=local",
            "--lucid-matrix=changed.toml",
            "--lucid-service=lucid-data-chain",
            SUITE,
            "-k",
            "shell",
        )
        assert code == 1, output
        assert "/usr/bin/helper" in output
    finally:
        client.images.remove("lucid-test-changed:1", force=True)
