"""Files among the base's that neither the base nor a package put there, and code that runs before the service."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from pytest_lucid.image.entries import display
from pytest_lucid.image.inventory import Inventory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_lucid.image.entries import Entry
    from pytest_lucid.image.packages import DebianPackage, Distribution

# Engines mount these into every container, and some builders leave their places behind.
_OF_ENGINES = frozenset({"etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"})
_SITE = frozenset({"site-packages", "dist-packages"})
# What `site` of the standard library imports at every start of the interpreter, if it is there.
_IMPORTED = frozenset({"sitecustomize", "usercustomize"})
_LONGEST_SHOWN = 80


def strays(
    inventory: Inventory,
    base_layers: int,
    base_files: Iterable[str],
    packages: Iterable[DebianPackage],
    found: Iterable[Distribution],
) -> Iterator[str]:
    """Yield what is in the folders of the base's packages, and neither the base nor a package brought.

    `base_files` are the paths of those packages' files; of a folder that is new as a whole, only the folder is named.
    """
    base = _base(inventory, base_layers)
    folders = {posixpath.dirname(path) for path in base_files} - {""}
    listed = {path for package in packages for path in package.sums} | _recorded(inventory, found)
    # Not every archive has an entry for each folder.
    there = {path for file in base for path in (file, *_above(file))}
    reported = set()
    for path, entry in inventory.merged.items():
        if entry.kind == "directory" or path in base or path in listed or path in _OF_ENGINES:
            continue
        top, parent = path, posixpath.dirname(path)
        while parent and parent not in there:
            top, parent = parent, posixpath.dirname(parent)
        if parent in folders and top not in reported:
            reported.add(top)
            yield display(top)


def startup_code(inventory: Inventory, base_layers: int, found: Iterable[Distribution]) -> Iterator[str]:
    """Yield what runs whenever the interpreter starts, and is neither the base's nor recorded by a distribution."""
    base = _base(inventory, base_layers)
    recorded = _recorded(inventory, found)
    for path, entry in inventory.merged.items():
        if path in recorded or _is_same(base.get(path), entry) or entry.kind == "directory":
            continue
        folder, _, name = path.rpartition("/")
        stem = name.partition(".")[0]
        # Compiled files with the interpreter's tag in their names are read beside their source only.
        if stem in _IMPORTED and (name in (f"{stem}.py", f"{stem}.pyc") or name.endswith(".so")):
            yield f"{entry} is imported at every start"
        elif stem == "__init__" and folder.rpartition("/")[2] in _IMPORTED:
            yield f"{display(folder)} is imported at every start"
        elif name.endswith(".pth") and folder.rpartition("/")[2] in _SITE:
            yield from _lines(inventory, path, entry)


def _lines(inventory: Inventory, path: str, entry: Entry) -> Iterator[str]:
    file = inventory.resolve(path)
    if file is None:
        return
    if file.content.text is None:
        if file.size:
            yield f"{entry} leads to {file}, which is not read as a list of paths"
        return
    for line in file.content.text.decode("utf-8-sig", "replace").splitlines():
        # As `site` of the standard library tells code from paths.
        if line.startswith(("import ", "import\t")):
            yield f"{entry} runs {line[:_LONGEST_SHOWN]!r}"


def _base(inventory: Inventory, layers: int) -> Mapping[str, Entry]:
    return Inventory(inventory.reference, inventory.read[:layers]).merged


def _above(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _is_same(one: Entry | None, other: Entry) -> bool:
    return one is not None and (one.kind, one.sha256, one.target) == (other.kind, other.sha256, other.target)


def _recorded(inventory: Inventory, found: Iterable[Distribution]) -> set[str]:
    """The files that distributions record, and that are as recorded."""
    return {
        path
        for distribution in found
        for path, sha256 in (distribution.record or {}).items()
        if (entry := inventory.merged.get(path)) and sha256 in ("", entry.sha256)
    }
