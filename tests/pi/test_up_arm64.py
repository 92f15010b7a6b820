"""Images for the processor of a real Pi: built and run by an emulator, which the kernel starts for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runs import SUITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker
    from ran import Ran

    Run = Callable[..., Ran]

# Debian's qemu-user-static brings the line that makes the kernel know the emulator.
RULE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
KERNEL = Path("/proc/sys/fs/binfmt_misc")
KNOWN = KERNEL / "qemu-aarch64"
SERVICE = "lucid-data-chain"
# The kernel shows the emulator: its words come before those of the program that it runs.
EMULATED = "RUN-PROCESSES"


@pytest.fixture
def emulator() -> Iterator[None]:
    """Have the kernel know an emulator, and forget it afterwards unless it knew it before."""
    if not RULE.is_file() or not (KERNEL / "register").exists():
        pytest.skip("no emulator for arm64: apt-get install qemu-user-static, and mount binfmt_misc")
    made = not KNOWN.exists()
    if made:
        (KERNEL / "register").write_text(RULE.read_text())
    yield
    if made:
        KNOWN.write_text("-1")


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    """The matrix that asks for arm64, with what an emulator makes untrue."""
    file = tmp_path / "arm64.toml"
    file.write_text(
        '[image]\narchitecture = "arm64"\n'
        f'[[waiver]]\ncheck = "{EMULATED}"\nreason = "The kernel shows the emulator."\nexpires = 2999-12-31\n'
    )
    return file


@pytest.mark.usefixtures("emulator")
def test_images_for_arm64_are_built_and_a_service_runs(run: Run, engine: docker.DockerClient, matrix: Path) -> None:
    built = run("--lucid-build", f"--lucid-matrix={matrix}", SUITE, "-k", "test_image")
    assert built.code == 0, built.output
    ran = run("--lucid-up", f"--lucid-matrix={matrix}", f"--lucid-service={SERVICE}", SUITE)
    assert ran.code == 0, ran.output
    assert engine.images.get(f"{SERVICE}:latest").attrs["Architecture"] == "arm64"
