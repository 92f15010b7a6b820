"""Which defects a matrix asks for, what the copy's matrix says, and how it is told what bites."""

from __future__ import annotations

import datetime as dt
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_lucid.matrix import load_matrix
from pytest_lucid.matrix.load import merged_document
from pytest_lucid.prove.catalogue import batches, defects_of
from pytest_lucid.prove.claims import claims_of
from pytest_lucid.prove.defect import Defect, Unplanted
from pytest_lucid.prove.proof import Bite, finders, table
from pytest_lucid.report.model import CellRecord, Outcome, Place

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_lucid.matrix import Matrix
    from pytest_lucid.prove.stack_copy import StackCopy

TEXT = """
extends = "nothing"
[[networks]]
name = "front"
subnet = "10.1.0.0/16"
[[networks]]
name = "back"
internal = true
[[service]]
name = "web"
image = "web:1"
compose = { project = "shop", service = "web" }
ports = ["127.0.0.1:8080:80", "9000"]
networks = ["front", "back"]
isolated_from = ["spy"]
health.check = true
hardening.read_only = true
environment = { LEVEL = "info", "ODD" = 'a "quoted" \\ é' }
[[service]]
name = "job"
image = "job:1"
once = true
networks = ["back"]
user = "65532:65532"
without = ["CTR-USER", "CTR-IMAGE"]
[[service]]
name = "spy"
image = "spy:1"
networks = ["spies"]
[[networks]]
name = "spies"
[[waiver]]
check = "CTR-USER"
reason = "later"
expires = 2099-12-31
"""
COPY = cast(
    "StackCopy",
    SimpleNamespace(
        networks={name: f"{name}-copy" for name in ("front", "back", "spies")},
        names={name: f"{name}-copy" for name in ("web", "job", "spy")},
        subnets=lambda _: ["172.30.0.0/16", "fd00::/64"],
        port=lambda row, key: {("web", "80/tcp 8080"): 40001}[row, key],
        can_publish=lambda row: row == "web",
        spare="spare",
    ),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "lucid.toml"
    file.write_text(TEXT, "utf-8")
    return file


@pytest.fixture
def matrix(file: Path) -> Matrix:
    return load_matrix(file)


def planned(matrix: Matrix, name: str) -> list[Defect | Unplanted]:
    row = next(row for row in matrix.service if row.name == name)
    return list(defects_of(row, matrix, COPY))


def test_the_copy_s_matrix_demands_the_same_of_other_names(file: Path, matrix: Matrix, tmp_path: Path) -> None:
    text = claims_of(merged_document(file), matrix, COPY)
    claims = tmp_path / "claims.toml"
    claims.write_text(text, "utf-8")
    made = load_matrix(claims)
    web = made.service[0]
    assert (web.name, web.container, web.compose) == ("web", "web-copy", None)
    assert [(str(p), p.host, p.address, p.internal) for p in web.ports or ()] == [
        ("80/tcp", 40001, "127.0.0.1", False),
        ("9000/tcp", 9000, None, True),
    ]
    assert web.networks == ("front-copy", "back-copy")
    assert web.environment == {"LEVEL": "info", "ODD": 'a "quoted" \\ é'}
    assert str(made.all_networks[0].subnet) == "172.30.0.0/16"
    assert made.all_networks[1].subnet is None
    assert made.all_networks[1].internal
    assert made.waiver[0].expires == dt.date(2099, 12, 31)
    same = ("health", "hardening", "user", "once", "isolated_from")
    for before, after in zip(matrix.service, made.service, strict=True):
        assert {key: getattr(before, key) for key in same} == {key: getattr(after, key) for key in same}
    # What is not demanded of the stack is not demanded of the copy.
    assert made.forbidden is None
    assert "forbidden" not in tomllib.loads(text)


def test_each_demand_has_a_defect_or_a_reason(matrix: Matrix) -> None:
    found = planned(matrix, "web")
    assert [(each.demand, each.name) for each in found if isinstance(each, Defect)] == [
        ("health.check", "no health check"),
        ("health.check", "health check fails"),
        ("hardening.read_only", "root can be written"),
        ("addresses", "published on another address"),
        ("stays", "is stopped"),
        ("image", "made of another image"),
        ("ports", "published elsewhere"),
        ("ports", "listens at a port more"),
        ("listens", "listens on loopback"),
        ("variables", "LEVEL is another"),
        ("variables", "ODD is another"),
        ("networks", "on a network more"),
        ("networks", "off its networks"),
        ("isolated_from", "on the network of spy"),
    ]


def test_of_a_job_only_what_outlives_it_is_planted(matrix: Matrix) -> None:
    found = planned(matrix, "job")
    assert {each.name: each.checks for each in found if isinstance(each, Defect)} == {
        "cannot do its work": {"CTR-ENDED"},
        "on a network more": {"CTR-NETWORK"},
        "off its networks": {"CTR-NETWORK"},
    }
    assert {each.demand: each.reason for each in found if isinstance(each, Unplanted)} == {
        "user": "the row is without CTR-USER",
        "image": "the row is without CTR-IMAGE",
    }


def test_one_run_judges_a_defect_of_each_row_and_what_spreads_alone() -> None:
    a, b, c = (Defect("k", name, frozenset({"X"})) for name in "abc")
    far = Defect("k", "far", frozenset({"X"}), spreads=True)
    assert list(batches([("web", a), ("web", b), ("db", c), ("web", far)])) == [
        {"web": far},
        {"web": a, "db": c},
        {"web": b},
    ]


def cell(check: str, service: str | None = "web", outcome: Outcome = Outcome.FAILED) -> CellRecord:
    return CellRecord(check, "high", "", "", outcome, Place("f", 1), "t", service)


def test_a_defect_bites_where_a_check_that_speaks_of_it_is_red() -> None:
    defect = Defect("user", "runs as root", frozenset({"CTR-USER", "RUN-USER"}))
    assert finders([cell("CTR-USER"), cell("OWN-CHECK", None)], "web", defect) == ("CTR-USER", "OWN-CHECK")
    for other in (
        cell("CTR-HEALTHY"),  # it broke, and nothing says why
        cell("CTR-USER", "db"),
        cell("CTR-USER", outcome=Outcome.PASSED),
        cell("CTR-USER", outcome=Outcome.WAIVED),
    ):
        assert finders([other], "web", defect) == ()


def test_the_table_counts() -> None:
    bites: list[Any] = [
        Bite("web", "user", "runs as root", ("CTR-USER",)),
        Bite("web", "ports", "published elsewhere"),
        Bite("web", "api", "", unplanted="why"),
    ]
    assert table(bites) == [
        "row  demand  verdict        defect               found by, or why not",
        "web  user    bites          runs as root         CTR-USER",
        "web  ports   does not bite  published elsewhere",
        "web  api     not planted                         why",
        "",
        "1 of 2 planted defects were found; 1 demand was not planted",
    ]
