from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest_lucid

PACKAGE = Path(pytest_lucid.__file__).parent


def imported(file: Path) -> set[str]:
    tree = ast.parse(file.read_text("utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def core() -> list[Path]:
    files = [file for file in PACKAGE.rglob("*.py") if "suite" not in file.relative_to(PACKAGE).parts]
    return [file for file in files if file.relative_to(PACKAGE).parts[0] != "plugin"]


def test_only_the_glue_knows_pytest() -> None:
    assert len(core()) > 20
    knowing = {
        file.name for file in core() if any(name.split(".")[0] in {"pytest", "_pytest"} for name in imported(file))
    }
    assert not knowing


def test_nothing_that_only_posix_has_is_imported() -> None:
    posix = {"fcntl", "grp", "pwd", "pty", "resource", "termios"}
    assert not {file.name for file in PACKAGE.rglob("*.py") if imported(file) & posix}


def test_modules_are_short() -> None:
    assert not {file.name for file in PACKAGE.rglob("*.py") if len(file.read_text("utf-8").splitlines()) > 300}


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports for types and those inside functions count: arrows go one way."""
    modules = {".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts): file for file in core()}
    graph = {
        name: {used for used in imported(file) if used in modules and used != name} for name, file in modules.items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)
