"""Who owns what in the image, and whether all that is in it can start there."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.image.loading import elf_files, lost_interpreters, lost_libraries, lost_shebangs

if TYPE_CHECKING:
    from pytest_lucid.image.config import Image
    from pytest_lucid.image.entries import Entry
    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.matrix import Service

PRIVATE = 0o700
FOR_OTHERS = stat.S_IWGRP | stat.S_IRWXO


@pytest.mark.lucid(
    "IMG-CODE-OWNER",
    demand=("user", "content.code"),
    severity="high",
    remedy="Leave out --chown, and give files 0644 and folders 0755.",
)
def test_code_belongs_to_root(lucid_service: Service, lucid_inventory: Inventory) -> None:
    """The service owns nothing but its storage and its empty home, so that a break-in cannot change its code."""
    uid, gid = lucid_service.ids
    own = {path.strip("/") for path in lucid_service.volumes.values()}
    filled = {path.rpartition("/")[0] for path in lucid_inventory.merged}
    homes = {path for path in lucid_inventory.merged if path.startswith("home/") and path not in filled}

    def may_write(entry: Entry) -> bool:
        return entry.uid == uid or (entry.gid == gid and bool(entry.mode & stat.S_IWGRP))

    empty = {path for path in homes if lucid_inventory.merged[path].kind == "directory"}
    found = [entry for entry in lucid_inventory.merged.values() if entry.kind != "link" and may_write(entry)]
    named = [f"{entry} ({entry.uid}:{entry.gid} {entry.mode:04o})" for entry in found if entry.path not in own | empty]
    assert not named


@pytest.mark.lucid(
    "IMG-STORAGE",
    demand=("user", "storage", "content.code"),
    severity="high",
    remedy="Make it with install -d -o 65532 -g 65532 -m 0700.",
)
def test_storage_belongs_to_the_service(lucid_service: Service, lucid_inventory: Inventory) -> None:
    """Every storage path is a directory that only the service may enter: new volumes copy its owner and mode."""
    if not lucid_service.storage:
        pytest.skip("the service stores nothing")
    expected = lucid_service.ids
    for path in lucid_service.storage:
        entry = lucid_inventory.merged.get(path.strip("/"))
        assert entry is not None, f"{path} is not in the image"
        assert (entry.kind, entry.uid, entry.gid) == ("directory", *expected), path
        assert entry.mode & PRIVATE == PRIVATE, f"{path}: {entry.mode:04o}"
        assert not entry.mode & FOR_OTHERS, f"{path}: {entry.mode:04o}"


@pytest.mark.lucid(
    "IMG-WORKDIR", demand="content.complete", severity="low", remedy="Set WORKDIR to the directory of the code."
)
def test_workdir_is_safe(lucid_image: Image, lucid_inventory: Inventory) -> None:
    """The working directory exists and is not writable for everybody: Python imports from there."""
    workdir = lucid_image.workdir
    if workdir == "/":
        return
    entry = lucid_inventory.resolve(workdir)
    assert entry is not None, f"{workdir} is not in the image; the engine would make it, as root"
    assert entry.kind == "directory", f"{workdir} is no directory"
    assert not entry.mode & stat.S_IWOTH, f"everybody may write to {workdir} ({entry.mode:04o})"


@pytest.mark.lucid(
    "IMG-PROGRAM",
    demand="content.complete",
    severity="critical",
    remedy="Give ENTRYPOINT and HEALTHCHECK programs of the image.",
)
def test_programs_of_the_configuration_are_there(lucid_image: Image, lucid_inventory: Inventory) -> None:
    """The programs of the command and of the health check are in the image and can be executed."""
    search = lucid_image.environment.get("PATH", "")
    health = lucid_image.health_check.test[1:2] if lucid_image.health_check and lucid_image.health_check.is_exec else ()
    for program in (*lucid_image.argv[:1], *health):
        entry = lucid_inventory.find_program(program, search)
        assert entry is not None, f"{program} is not in the image"
        assert entry.mode & stat.S_IXOTH, f"{program}: {entry.mode:04o}"


@pytest.mark.lucid(
    "IMG-SHEBANG",
    demand="content.complete",
    severity="medium",
    remedy="Point the script at the interpreter of the image.",
)
def test_shebangs_resolve(lucid_image: Image, lucid_inventory: Inventory, lucid_base_files: frozenset[str]) -> None:
    """Every executable script names an interpreter that is in the image; scripts of the base are not judged."""
    lost = lost_shebangs(lucid_inventory, lucid_image.environment.get("PATH", ""))
    assert not [script for script in lost if script.partition(":")[0].strip("/") not in lucid_base_files]


@pytest.mark.lucid(
    "IMG-LOADER",
    demand="content.complete",
    severity="high",
    remedy="Build it against the base's libc, in a builder of the same release.",
)
def test_loaders_resolve(lucid_inventory: Inventory) -> None:
    """Every program's loader is in the image: without the loader the kernel cannot start the program."""
    assert any(elf.interpreter for _, elf in elf_files(lucid_inventory)), "no program with a loader was seen"
    assert not list(lost_interpreters(lucid_inventory))


@pytest.mark.lucid(
    "IMG-LIBRARY",
    demand="content.complete",
    severity="high",
    remedy="Copy the library along, or use a package that brings it.",
)
def test_libraries_resolve(lucid_image: Image, lucid_inventory: Inventory) -> None:
    """Every shared library that a program or library needs is where the loader looks for it."""
    assert any(elf.needed for _, elf in elf_files(lucid_inventory)), "no file that needs a library was seen"
    assert not list(lost_libraries(lucid_inventory, lucid_image.environment.get("LD_LIBRARY_PATH", "")))


@pytest.mark.lucid(
    "IMG-ELF-ARCH", demand="content.complete", severity="high", remedy="Build all of the image for one platform."
)
def test_programs_are_for_the_architecture(lucid_image: Image, lucid_inventory: Inventory) -> None:
    """Every program and library is for the architecture that the image declares."""
    seen = elf_files(lucid_inventory)
    assert seen, "no program was seen"
    assert not [f"{entry}: {elf.architecture}" for entry, elf in seen if elf.architecture != lucid_image.architecture]
