"""Defects in the files of images: the table of the image suite's own tests, planted and judged all at once."""

from __future__ import annotations

import ast
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mutation import FileMutation
from suite import ROOT, Cell, red_cells

if TYPE_CHECKING:
    from docker import DockerClient

TABLE = ROOT / "tests" / "engine" / "test_image_mutations.py"
NOTE = "see the table of the image suite's tests"


def read_table() -> tuple[FileMutation, ...]:
    """Name, ids and change of each mutant, read from the source of the table, where nothing has to run."""
    found = []
    source = TABLE.read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name("mutant"), args=[ast.Constant(str(name)), ast.Constant(str(red)), *_]):
                found.append((name, red.split(), _change(source, node)))
            case ast.Call(
                func=ast.Name("Mutant"), args=[ast.Constant(str(name)), ast.Call(args=[ast.Set() as red]), *_]
            ):
                found.append((name, list(ast.literal_eval(red)), _change(source, node)))
    return tuple(
        FileMutation(name=f"file: {name}", kills=frozenset(red), note=NOTE, change=change)
        for name, red, change in found
    )


def _change(source: str, call: ast.Call) -> str:
    """The source of what is added to the healthy image, or changed in its configuration; an argument a line."""
    named = [(f"{keyword.arg}=" if keyword.arg else "", keyword.value) for keyword in call.keywords]
    arguments = [("", argument) for argument in call.args[2:]] + named
    return "\n".join(f"{name}{ast.get_source_segment(source, value)}" for name, value in arguments)


def judge(client: DockerClient) -> dict[str, frozenset[str]]:
    """Make every mutant, run the image suite once over them all, and remove them: name → ids that turned red."""
    sys.path.append(str(TABLE.parent))
    from mutants import load  # noqa: PLC0415 - found by the line above
    from test_image_mutations import HEALTHY, matrix, mutants  # noqa: PLC0415 - likewise

    made = mutants(client)
    load(client, HEALTHY, made)
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "mutants.toml"
            file.write_text(matrix(made), "utf-8")
            suite = map(str, sorted((ROOT / "tests" / "infra").glob("test_image*.py")))
            red = red_cells("--lucid-host=local", f"--lucid-matrix={file}", *suite)
    finally:
        for mutant in made:
            client.images.remove(mutant.image, force=True)
    return {f"file: {mutant.name}": _red_of(mutant.service, red) for mutant in made}


def _red_of(service: str, red: frozenset[Cell]) -> frozenset[str]:
    return frozenset(cell.check for cell in red if cell.service == service)


FILES = read_table()
