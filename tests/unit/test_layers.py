from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pytest_lucid

if TYPE_CHECKING:
    from collections.abc import Container

PACKAGE = Path(pytest_lucid.__file__).parent


def imported(file: Path) -> set[str]:
    return names_of(ast.parse(file.read_text("utf-8")))


def names_of(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def used(file: Path, modules: Container[str]) -> set[str]:
    """The modules that a file imports: `from package import module` imports the module, not a name of the package."""
    found = {name for name in imported(file) if name in modules}
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            inside = {name for name in submodules if name in modules}
            found |= inside
            if inside == submodules:
                found.discard(node.module)
    return found


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
    posix = {"fcntl", "grp", "pwd", "pty", "resource", "termios", "tty"}
    assert not {file.name for file in PACKAGE.rglob("*.py") if everywhere(file) & posix}
    # The search sees what it looks for: one module imports some behind a question for the platform.
    assert {file.name for file in PACKAGE.rglob("*.py") if imported(file) & posix} == {"terminal.py"}


def everywhere(file: Path) -> set[str]:
    """The names that a file imports on every platform: not behind `if sys.platform …`."""
    tree = ast.parse(file.read_text("utf-8"))
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.If) and "sys.platform" in ast.unparse(node.test))
    ]
    return names_of(tree)


def test_modules_are_short() -> None:
    assert not {file.name for file in PACKAGE.rglob("*.py") if len(file.read_text("utf-8").splitlines()) > 300}


def circle(modules: dict[str, Path]) -> list[str] | None:
    """The names of a circle of imports; imports for types and those inside functions count."""
    graph = {name: used(file, modules) - {name} for name, file in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Directions between packages are the import contract's, in pyproject.toml."""
    assert circle({module_name(file, PACKAGE.parent): file for file in core()}) is None


@pytest.mark.parametrize(
    "line", ["import p.b", "from p import b", "from p.b import name", "def f():\n    from p import b"]
)
def test_a_planted_circle_is_found(tmp_path: Path, line: str) -> None:
    for name, text in {"a": line, "b": "from p.a import something"}.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    assert circle({f"p.{name}": tmp_path / f"{name}.py" for name in "ab"})


def module_name(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_a_class_has_a_name_of_its_own() -> None:
    found: dict[str, list[str]] = {}
    for file in core():
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(str(file.relative_to(PACKAGE)))
    assert len(found) > 100
    assert {name: files for name, files in found.items() if len(files) > 1} == {}
