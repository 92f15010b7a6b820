"""Which defects a matrix asks for, and what the copy's matrix says."""

from __future__ import annotations

import datetime as dt
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_lucid.matrix import load_matrix
from pytest_lucid.matrix.load import merged_document
from pytest_lucid.prove.catalogue import batches, defects_of, unplanted_networks
from pytest_lucid.prove.claims import claims_of
from pytest_lucid.prove.defect import Defect, Unplanted

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
environment = { LEVEL = "info", "ODD" = 'a "quoted" \\ é 🙂' , "DELETED" = "\\u007f" }
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
    assert web.environment == {"LEVEL": "info", "ODD": 'a "quoted" \\ é 🙂', "DELETED": "\x7f"}
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
        ("variables", "DELETED is another"),
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


def row_of(tmp_path: Path, text: str) -> list[Defect | Unplanted]:
    file = tmp_path / "lucid.toml"
    file.write_text(f'extends = "nothing"\n[[service]]\nname = "web"\nimage = "web:1"\n{text}', "utf-8")
    return planned(load_matrix(file), "web")


def planted(found: list[Defect | Unplanted], demand: str) -> list[tuple[str, dict[str, Any]]]:
    """The defects of a demand: what each is called, and what it makes of an empty creation."""
    made = []
    for each in found:
        if isinstance(each, Defect) and each.demand == demand and each.change:
            creation: dict[str, Any] = {"HostConfig": {}}
            each.change(creation)
            made.append((each.name, creation))
    return made


def test_a_defect_is_never_what_the_row_demands(tmp_path: Path) -> None:
    found = row_of(
        tmp_path,
        'user = "0:0"\nrestart = "always"\nhardening = { as_declared = true, capabilities = ["SYS_TIME", "CHOWN"] }',
    )
    assert planted(found, "user") == [("runs as another user", {"HostConfig": {}, "User": "65534:65534"})]
    policies = [c["HostConfig"]["RestartPolicy"]["Name"] for _, c in planted(found, "hardening.as_declared")[-1:]]
    assert policies == ["unless-stopped"]
    added = [c["HostConfig"].get("CapAdd") for _, c in planted(found, "hardening.capabilities")]
    assert added == [None, ["SYS_BOOT"]]


def test_of_a_job_nothing_is_planted_that_no_check_of_it_speaks_of(tmp_path: Path) -> None:
    found = row_of(tmp_path, 'once = true\nhealth.check = true\nports = ["127.0.0.1:8080:80"]')
    assert [(each.demand, each.name) for each in found if isinstance(each, Defect)] == [
        ("once", "cannot do its work"),
        ("image", "made of another image"),
    ]


def test_instances_are_planted_and_written_each_for_itself(tmp_path: Path) -> None:
    file = tmp_path / "lucid.toml"
    file.write_text(
        """
extends = "nothing"
[[networks]]
name = "back"
[[networks]]
name = "spies"
[[service]]
name = "web"
image = "web:1"
label = "app=web"
instances = 2
networks = ["back"]
reaches = ["db:5432"]
environment = { LEVEL = "info" }
[[service]]
name = "db"
image = "db:1"
ports = ["5432"]
networks = ["back"]
needs = ["web"]
isolated_from = ["spies"]
[[service]]
name = "spy"
image = "spy:1"
networks = ["spies"]
""",
        "utf-8",
    )
    matrix = load_matrix(file)
    names = {name: f"{name}-copy" for name in ("web-1", "web-2", "db", "spy")}
    copy = cast("StackCopy", SimpleNamespace(**{**vars(COPY), "names": names}))
    claims = tmp_path / "claims.toml"
    claims.write_text(claims_of(merged_document(file), matrix, copy), "utf-8")
    made = load_matrix(claims)
    assert [(row.name, row.container, row.label, row.instances) for row in made.service] == [
        (name, own, None, None) for name, own in names.items()
    ]
    assert made.service[2].needs == ("web-1", "web-2")
    assert [row.reaches for row in made.service] == [("db:5432",), ("db:5432",), None, None]
    assert made.service[2].isolated_from == ("spies-copy",)
    for name in ("web-1", "web-2"):
        found = planned(matrix, name)
        assert {(each.demand, each.name) for each in found if isinstance(each, Defect)} >= {
            ("variables", "LEVEL is another"),
            ("reaches", "off its networks"),
        }
    # What several are is asked of the first.
    assert ["instances" in {each.demand for each in planned(matrix, name)} for name in ("web-1", "web-2")] == [
        True,
        False,
    ]


def test_what_nobody_can_join_is_not_planted(tmp_path: Path) -> None:
    file = tmp_path / "lucid.toml"
    file.write_text(TEXT, "utf-8")
    matrix = load_matrix(file)
    without = cast("StackCopy", SimpleNamespace(**{**vars(COPY), "networks": {}}))
    (row,) = (row for row in matrix.service if row.name == "web")
    reasons = {each.demand: each.reason for each in defects_of(row, matrix, without) if isinstance(each, Unplanted)}
    assert reasons["isolated_from"] == "spy has no network of its own"


def test_demands_that_are_not_planted_are_listed(matrix: Matrix, tmp_path: Path) -> None:
    assert [(name, each.demand) for name, each in unplanted_networks(matrix)] == [
        ("front", "networks.subnet"),
        ("back", "networks.internal"),
    ]
    assert all(each.reason for _, each in unplanted_networks(matrix))
    left_out = tmp_path / "left.toml"
    left_out.write_text(TEXT.replace('extends = "nothing"', 'extends = "nothing"\nwithout = ["NET-SUBNET"]'), "utf-8")
    assert [each.demand for _, each in unplanted_networks(load_matrix(left_out))] == ["networks.internal"]
    found = row_of(
        tmp_path,
        'ports = ["443"]\nhealth = { path = "/h", service = "s", version = "v", timestamp = "t", dependencies = "d" }\n'
        '[[forbidden]]\nname = "x"\nwords = ["abc"]\n',
    )
    assert {each.demand for each in found if isinstance(each, Unplanted)} == {
        "health.path",
        "health.service",
        "health.version",
        "health.timestamp",
        "health.dependencies",
        "forbidden",
    }


def test_one_run_judges_a_defect_of_each_row_and_what_spreads_alone() -> None:
    a, b, c = (Defect("k", name, frozenset({"X"})) for name in "abc")
    far = Defect("k", "far", frozenset({"X"}), spreads=True)
    assert list(batches([("web", a), ("web", b), ("db", c), ("web", far)])) == [
        {"web": far},
        {"web": a, "db": c},
        {"web": b},
    ]
