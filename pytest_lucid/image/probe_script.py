"""Runs inside a throw-away container, by the image's own interpreter, whose version may be another than the suite's.

Says as JSON on standard output what that interpreter can import. It runs nothing of the service: the entry module is
parsed, and what it imports is imported. Only the standard library is used, and nothing of this package.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import json
import marshal
import sys
import traceback
from pathlib import Path

_HEADER = 16


def import_entry(module: str) -> str:
    """Import all that `python -m module` would, short of running it; returns the error, or nothing."""
    try:
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.submodule_search_locations is not None:
            importlib.import_module(module)
            spec = importlib.util.find_spec(f"{module}.__main__")
        if spec is None or spec.origin is None:
            return f"there is no module {module} that can be run"
        package = spec.name.rpartition(".")[0]
        for node in ast.walk(ast.parse(Path(spec.origin).read_bytes())):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    importlib.import_module(alias.name)
            elif isinstance(node, ast.ImportFrom):
                source = importlib.import_module("." * node.level + (node.module or ""), package)
                for alias in node.names:
                    if alias.name != "*" and not hasattr(source, alias.name):
                        importlib.import_module(f"{source.__name__}.{alias.name}")
    except BaseException:  # noqa: BLE001 - whatever a module does when it is imported is the answer
        return traceback.format_exc(limit=-2)
    return ""


def foreign_bytecode(folders: list[str]) -> list[str]:
    """Return the sources below `folders` whose compiled file holds another program than the source."""
    found = []
    for source in (path for folder in folders for path in Path(folder).rglob("*.py")):
        cached = Path(importlib.util.cache_from_source(str(source)))
        if cached.is_file():
            compiled = compile(source.read_bytes(), str(source), "exec", dont_inherit=True)
            if marshal.loads(cached.read_bytes()[_HEADER:]) != compiled:  # noqa: S302 - the image's own file, in its container
                found.append(str(source))
    return sorted(found)


def main() -> None:
    """Answer for the entry module and the folders that the arguments name."""
    module, *folders = sys.argv[1:]
    answer = {
        "error": import_entry(module),
        "bytecode": foreign_bytecode(folders),
        "distributions": {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()},
        "version": list(sys.version_info[:3]),
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
