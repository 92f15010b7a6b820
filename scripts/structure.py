"""Count the rooms, floors and arrows of a source tree: `python scripts/structure.py [ROOT]`.

A room is a package directly below `pytest_lucid`, a module that stands there alone, or another top folder with Python
code in it. An arrow goes from a room to another room that it imports. A floor is the longest way down from a room.
Tests are left out.
"""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = "pytest_lucid"
LEFT_OUT = {"tests", "build", "dist"}


def room_of(parts: tuple[str, ...]) -> str:
    """The room of a path or of a dotted name, both as parts."""
    return "/".join(parts[:2]) if parts[0] == PACKAGE else parts[0]


def read_rooms(root: Path) -> dict[str, set[str]]:
    """Room → the rooms that it imports."""
    files = [file.relative_to(root) for file in root.glob("*/**/*.py")]
    kept = [file for file in files if file.parts[0] not in LEFT_OUT and not file.parts[0].startswith(".")]
    packages = {part: file.parts[0] for file in kept for part in file.parts[1:2]}
    rooms: dict[str, set[str]] = {}
    for file in kept:
        here = room_of(file.with_suffix("").parts)
        used = rooms.setdefault(here, set())
        for name in _imported(ast.parse((root / file).read_text("utf-8"))):
            parts = tuple(name.split("."))
            if parts[0] == PACKAGE and len(parts) > 1:
                used.add(room_of(parts))
            elif parts[0] in packages and parts[0] != PACKAGE:
                used.add(packages[parts[0]])
        used.discard(here)
    return {room: {other for other in used if other in rooms} for room, used in rooms.items()}


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def floors(rooms: dict[str, set[str]]) -> dict[str, int]:
    """Room → its floor, 1 for a room that imports no other; raises CycleError where arrows go round."""
    found: dict[str, int] = {}
    for room in TopologicalSorter(rooms).static_order():
        found[room] = 1 + max((found[other] for other in rooms[room]), default=0)
    return found


def main(root: Path) -> int:
    """Print the figures and the arrows; returns 1 where rooms import each other in a circle."""
    rooms = read_rooms(root)
    arrows = sum(len(used) for used in rooms.values())
    try:
        found = floors(rooms)
    except CycleError as error:
        sys.stdout.write(f"{len(rooms)} rooms, {arrows} arrows, a circle: {' → '.join(error.args[1])}\n")
        return 1
    sys.stdout.write(f"{len(rooms)} rooms, {max(found.values())} floors, {arrows} arrows, no circle\n")
    own = {room: used for room, used in rooms.items() if room.startswith(f"{PACKAGE}/")}
    sys.stdout.write(f"of {PACKAGE}: {len(own)} rooms, {sum(len(used) for used in own.values())} arrows\n\n")
    for room in sorted(rooms, key=lambda name: (-found[name], name)):
        sys.stdout.write(f"{found[room]:2}  {room}: {', '.join(sorted(rooms[room])) or '–'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1]))
