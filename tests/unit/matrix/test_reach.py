from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.matrix import Matrix

ROWS = """\
extends = "nothing"
[[networks]]
name = "front"
[[networks]]
name = "vault"
[[forbidden]]
name = "COIN"
networks = ["vault", "elsewhere"]
excepted = ["pay-*"]
[[service]]
name = "web"
image = "web:1"
networks = ["front"]
{web}
[[service]]
name = "pay-in"
image = "in:1"
networks = ["vault"]
[[service]]
name = "pay-out"
image = "out:1"
networks = ["vault"]
[[service]]
name = "pay-job"
image = "job:1"
networks = ["vault"]
once = true
"""


def read(folder: Path, web: str = "") -> Matrix:
    file = folder / "lucid.toml"
    file.write_text(ROWS.format(web=web), "utf-8")
    return load_matrix(file)


def meant(matrix: Matrix, *said: str) -> list[str]:
    return [str(peer) for peer in matrix.peers(matrix.service[0], said)]


def test_names_patterns_networks_and_ports_mean_containers_that_run(tmp_path: Path) -> None:
    matrix = read(tmp_path)
    assert meant(matrix, "pay-in:80", "pay-in") == ["pay-in:80", "pay-in"]
    assert meant(matrix, "pay-*", "vault") == ["pay-in", "pay-out"]
    assert meant(matrix, "vault:80") == ["pay-in:80", "pay-out:80"]
    assert meant(matrix, "front", "web") == []


def test_a_rule_about_a_network_isolates_all_that_it_concerns(tmp_path: Path) -> None:
    isolated = {row.name: row.isolated_from for row in read(tmp_path).service}
    assert isolated == {"web": ("vault",), "pay-in": None, "pay-out": None, "pay-job": None}


def test_what_a_row_says_comes_first(tmp_path: Path) -> None:
    assert read(tmp_path, 'isolated_from = ["pay-in:80"]').service[0].isolated_from == ("pay-in:80", "vault")


@pytest.mark.parametrize("web", ['reaches = ["nobody"]', 'isolated_from = ["pay-job"]', 'reaches = ["pay-in:0"]'])
def test_who_is_meant_must_be_there(tmp_path: Path, web: str) -> None:
    with pytest.raises(ConfigError, match=r'lucid.toml:14: service "web": (reaches|isolated_from)'):
        read(tmp_path, web)
