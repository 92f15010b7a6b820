"""Running the suite as users do, in a process of its own, and reading the JUnit file that it leaves."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from pytest_lucid.config.check import Check, read_check

ROOT = Path(__file__).parents[2]
SUITES = (ROOT / "tests" / "dockerfile", ROOT / "tests" / "infra")


@dataclass(frozen=True)
class Cell:
    """One cell of the report; `service` is None where the check is about the whole stack.

    `said` is the message of a red cell; two cells are equal whatever they said.
    """

    check: str
    service: str | None
    said: str = field(default="", compare=False)


def red_cells(*arguments: str) -> frozenset[Cell]:
    """Run pytest with `arguments`; returns the cells that failed or could not be judged."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
        if result.returncode not in (0, 1):
            raise SystemExit(f"pytest ended with {result.returncode}:\n{result.stdout}{result.stderr}")
        return frozenset(cell for case in ET.parse(report).iter("testcase") if (cell := _red(case)))


def _red(case: ET.Element) -> Cell | None:
    problem = next((found for kind in ("failure", "error") if (found := case.find(kind)) is not None), None)
    if problem is None:
        return None
    checks = [p.get("value") for p in case.iter("property") if p.get("name") == "lucid.check"]
    if not checks or checks[0] is None:
        raise SystemExit(f"{case.get('name')} failed and is no check")
    name = case.get("name", "")
    parameter = name.partition("[")[2].removesuffix("]")
    return Cell(checks[0], parameter if parameter.startswith("lucid-") else None, problem.get("message", ""))


def read_suite() -> list[tuple[Check, str]]:
    """Every check of the suite with its docstring, read from the source, where nothing has to run."""
    return [marked for suite in SUITES for file in sorted(suite.rglob("test_*.py")) for marked in read_marks(file)]


def read_marks(file: Path) -> list[tuple[Check, str]]:
    """The checks of one file, each with its docstring."""
    names: dict[str, object] = {}
    found = []
    for node in ast.parse(file.read_text("utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                names[name] = value
            case ast.FunctionDef(decorator_list=decorators):
                where, docstring = f"{file.name}::{node.name}", ast.get_docstring(node) or ""
                found += [(_check(where, call, names), docstring) for call in filter(_is_check, decorators)]
    return found


def _is_check(decorator: ast.expr) -> TypeGuard[ast.Call]:
    return (
        isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and decorator.func.attr == "lucid"
    )


def _check(where: str, call: ast.Call, names: dict[str, object]) -> Check:
    def value(node: ast.expr) -> object:
        return names[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)

    keywords = {str(keyword.arg): value(keyword.value) for keyword in call.keywords}
    return read_check(where, tuple(map(value, call.args)), keywords)


def check_ids() -> set[str]:
    """The ids of all checks of the suite."""
    return {check.id for check, _ in read_suite()}
