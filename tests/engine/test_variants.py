"""Healthy deployments that differ from the document's, as a tree may demand: all stay green."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from runs import SUITE, Things

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
