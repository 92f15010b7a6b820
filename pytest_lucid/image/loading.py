"""Whether what is in an image can start: shebangs, ELF interpreters, shared libraries, architecture."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.content.elf import Elf
    from pytest_lucid.image.entries import Entry
    from pytest_lucid.image.inventory import Inventory

# Debian's names for where libraries of an architecture lie, by the engine's name of the architecture.
TRIPLETS = {
    "amd64": "x86_64-linux-gnu",
    "arm64": "aarch64-linux-gnu",
    "386": "i386-linux-gnu",
    "arm": "arm-linux-gnueabihf",
    "riscv64": "riscv64-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "s390x": "s390x-linux-gnu",
}
_FOLDERS = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib")
_EXECUTABLE = 0o111


def elf_files(inventory: Inventory) -> tuple[tuple[Entry, Elf], ...]:
    """Return the programs and libraries of the image with their headers."""
    return tuple((entry, entry.content.elf) for entry in inventory.files if entry.content.elf)


def lost_shebangs(inventory: Inventory, search: str) -> Iterator[str]:
    """Yield each script whose interpreter is not in the image; `search` is the PATH that `env` would look in."""
    for entry in inventory.files:
        words = entry.content.shebang.split()
        if not words or not entry.mode & _EXECUTABLE:
            continue
        if inventory.find_program(words[0], search) is None:
            yield f"{entry}: {words[0]}"
        elif posixpath.basename(words[0]) == "env":
            program = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), "")
            if inventory.find_program(program, search) is None:
                yield f"{entry}: {program}, by way of env"


def lost_interpreters(inventory: Inventory) -> Iterator[str]:
    """Yield each program whose loader is not in the image."""
    for entry, elf in elf_files(inventory):
        if elf.interpreter and inventory.resolve(elf.interpreter) is None:
            yield f"{entry}: {elf.interpreter}"


def lost_libraries(inventory: Inventory, search: str) -> Iterator[str]:
    """Yield each shared library that a file needs and the loader would not find; `search` is LD_LIBRARY_PATH."""
    configured = tuple(_configured(inventory))
    for entry, elf in elf_files(inventory):
        triplet = TRIPLETS.get(elf.architecture, "")
        standard = [f"{folder}/{triplet}" for folder in ("/lib", "/usr/lib")] + list(_FOLDERS)
        own = [_expand(folder, entry) for folder in elf.search]
        folders = (*own, *(folder for folder in search.split(":") if folder), *configured, *standard)
        for library in elf.needed:
            places = [library] if "/" in library else [f"{folder}/{library}" for folder in folders]
            if not any(_fits(inventory.resolve(place), elf) for place in places):
                yield f"{entry}: {library}"


def _fits(entry: Entry | None, user: Elf) -> bool:
    elf = entry.content.elf if entry else None
    return elf is not None and elf.architecture == user.architecture


def _expand(folder: str, entry: Entry) -> str:
    origin = f"/{posixpath.dirname(entry.path)}"
    return posixpath.normpath(folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))


def _configured(inventory: Inventory) -> Iterator[str]:
    for path, entry in inventory.merged.items():
        if path.startswith("etc/ld.so.conf") and entry.content.text:
            lines = (line.strip() for line in entry.content.text.decode("utf-8", "replace").splitlines())
            yield from (line for line in lines if line.startswith("/"))
