"""Which source each compiled Python file stands for, and whether it really does."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.image.entries import Entry
    from pytest_lucid.image.inventory import Inventory

_CACHED = re.compile(r"(?P<module>.+?)\.[a-z]+-\d+(?:\.opt-\w+)?\.pyc")


def source_of(path: str, prefix: str) -> str:
    """Return the path of the source that a .pyc file stands for; `prefix` is PYTHONPYCACHEPREFIX, or empty."""
    folder, _, name = path.rpartition("/")
    match = _CACHED.fullmatch(name)
    module = f"{match['module']}.py" if match else name.removesuffix("c")
    root = prefix.strip("/")
    if match and root and f"{folder}/".startswith(f"{root}/"):
        folder = folder.removeprefix(root).lstrip("/")
    elif match:
        folder = folder.removesuffix("__pycache__").rstrip("/")
    return posixpath.join(folder, module)


def bytecode_problems(inventory: Inventory, prefix: str, folders: tuple[str, ...]) -> Iterator[str]:
    """Yield each compiled file that has no source, another source, or one that the interpreter would not compare.

    Of a source outside `folders` it may be another version: such are the base's, the builder's need not be the same,
    and the interpreter compares the two and compiles anew.
    """
    for entry, source in compiled(inventory, prefix):
        foreign = source is not None and not source.path.startswith(folders)
        if foreign and entry.content.bytecode and entry.content.bytecode.checked:
            continue
        if problem := _problem(entry, source):
            yield f"{entry}: {problem}"


def unsourced(inventory: Inventory, prefix: str) -> Iterator[Entry]:
    """Yield each compiled file that has no source in the image."""
    return (entry for entry, source in compiled(inventory, prefix) if _problem(entry, source))


def compiled(inventory: Inventory, prefix: str) -> Iterator[tuple[Entry, Entry | None]]:
    """Yield each compiled file with its source, if there is one."""
    for entry in inventory.files:
        if entry.path.endswith(".pyc"):
            yield entry, inventory.resolve(source_of(entry.path, prefix))


def _problem(entry: Entry, source: Entry | None) -> str:
    bytecode = entry.content.bytecode
    if bytecode is None:
        return "no bytecode, by its header"
    if source is None:
        return "its source is not in the image"
    if not bytecode.checked:
        return "the interpreter would not compare it with its source"
    if not bytecode.source_hash:
        same = (bytecode.mtime, bytecode.size) == (source.mtime & 0xFFFFFFFF, source.size)
        return "" if same else f"made from another {source}"
    hashes = dict(source.content.source_hashes)
    if bytecode.magic not in hashes:
        return f"made by an unknown interpreter (magic number {bytecode.magic})" if source.size else ""
    return "" if hashes[bytecode.magic] == bytecode.source_hash else f"made from another {source}"
