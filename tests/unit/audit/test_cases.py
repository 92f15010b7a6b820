"""Every check of tests/dockerfile on Dockerfiles that it must catch, and on near misses that it must not.

cases/<CHECK-ID>.toml holds them: `catch` and `miss` tables with `dockerfile`, the `files` around it (a value `-> x` is
a link to x), and where needed the `service` (true, or keys of its row), the `matrix` and the `path`. `expect` names the
findings as "file:line"; `says` is a part of the first message.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.audit.audit import Audit
from pytest_lucid.audit.project import Project
from pytest_lucid.matrix import Matrix, load_matrix

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_lucid.audit.subject import Subject

CASES = Path(__file__).parent / "cases"
CHECKS = Path(__file__).parents[2] / "dockerfile"
ROW: dict[str, Any] = {
    "name": "lucid-x",
    "image": "lucid-x:latest",
    "dockerfile": "svc/Dockerfile",
    "cluster": "02-x",
    "ports": [{"number": 8090}],
}
PEER: dict[str, Any] = {
    "name": "lucid-y",
    "image": "lucid-y:latest",
    "dockerfile": "y/Dockerfile",
    "cluster": "02-x",
    "ports": [{"number": 8091}],
}
FEWEST_CATCHES, FEWEST_MISSES = 2, 3


def find_checks() -> Iterator[tuple[str, Callable[..., None]]]:
    for file in sorted(CHECKS.glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"checks_{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for function in vars(module).values():
            for mark in getattr(function, "pytestmark", ()):
                if mark.name == "lucid" and mark.args[0].startswith("DKF-"):
                    yield mark.args[0], function


ALL = dict(find_checks())


def read_cases() -> Iterator[Any]:
    for check in sorted(ALL):
        file = CASES / f"{check}.toml"
        tables = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
        for kind in ("catch", "miss"):
            for index, case in enumerate(tables.get(kind, ())):
                yield pytest.param(check, kind, case, id=f"{check}-{kind}-{index}-{case['name'].replace(' ', '_')}")


def build(root: Path, case: dict[str, Any], *, needs_row: bool) -> tuple[Matrix, Subject]:
    path = case.get("path", "svc/Dockerfile")
    files = {path: case["dockerfile"], **case.get("files", {})} if "dockerfile" in case else case.get("files", {})
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("-> "):
            file.symlink_to(content.removeprefix("-> "))
        else:
            file.write_text(content, encoding="utf-8", newline="")
    stated = case.get("service", needs_row)
    row = {**ROW, "dockerfile": path if stated else "x/Dockerfile", **(stated if isinstance(stated, dict) else {})}
    packaged = load_matrix(None).model_dump(mode="json")
    matrix = Matrix.model_validate({**packaged, "service": [row, PEER], **case.get("matrix", {})})
    project = Project(root, matrix, matrix.service[:1] if stated else (), whole=True)
    if stated:
        return matrix, project.subject(matrix.service[0])
    return matrix, next(other for other in project.others if other.path == path)


@pytest.mark.parametrize(("check", "kind", "case"), list(read_cases()))
def test_case(check: str, kind: str, case: dict[str, Any], tmp_path: Path) -> None:
    parameters = list(inspect.signature(ALL[check]).parameters)
    matrix, subject = build(tmp_path, case, needs_row="lucid_audit" not in parameters)
    audit = Audit(subject)
    given = {
        "lucid_audit": audit,
        "lucid_service_audit": audit,
        "lucid_dockerfile_path": tmp_path / matrix.service[0].dockerfile,
    }
    arguments = {name: given[name] for name in parameters}
    if kind == "miss":
        ALL[check](**arguments)
        assert not audit.findings
        return
    with pytest.raises(AssertionError):
        ALL[check](**arguments)
    if "lucid_dockerfile_path" not in parameters:
        assert [f"{finding.file}:{finding.line}" for finding in audit.findings] == case["expect"], audit.findings
        assert case.get("says", "") in audit.findings[0].message


@pytest.mark.parametrize("check", sorted(ALL))
def test_every_check_has_enough_cases(check: str) -> None:
    file = CASES / f"{check}.toml"
    assert file.is_file(), f"write {file.name}: what {check} must catch, and near misses"
    tables = tomllib.loads(file.read_text("utf-8"))
    assert len(tables["catch"]) >= FEWEST_CATCHES
    assert len(tables["miss"]) >= FEWEST_MISSES


def test_no_cases_are_left_over() -> None:
    assert {file.stem for file in CASES.glob("*.toml")} <= ALL.keys()
