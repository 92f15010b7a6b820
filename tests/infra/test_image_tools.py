"""What a distroless image must not hold: programs that a break-in could use, and ways to more rights."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.image.inventory import Inventory
    from pytest_lucid.matrix import ImagePolicy

    Programs = Mapping[str, tuple[str, ...]]

REMEDY = "Copy only the interpreter's packages and the code into the final stage."


@pytest.mark.lucid("IMG-SHELL", demand="content.no_shell", severity="critical", remedy=REMEDY)
def test_no_shell(lucid_programs: Programs) -> None:
    """There is no shell under any name, and no busybox: most injected commands need a shell."""
    assert not lucid_programs.get("shell", ())


@pytest.mark.lucid(
    "IMG-PKGMGR",
    demand="content.no_package_manager",
    severity="high",
    remedy="Install in the builder stage, and copy the result only.",
)
def test_no_package_manager(lucid_programs: Programs) -> None:
    """There is no package manager, Debian's or Python's, so that nobody can replace checked packages from inside."""
    assert not lucid_programs.get("package manager", ())


@pytest.mark.lucid("IMG-COREUTILS", demand="content.no_core_utilities", severity="medium", remedy=REMEDY)
def test_no_core_utilities(lucid_programs: Programs) -> None:
    """There are no core utilities and no other interpreters, so that an intruder has no tools."""
    assert not lucid_programs.get("core utilities", ())


@pytest.mark.lucid(
    "IMG-COMPILER",
    demand="content.no_compiler",
    severity="high",
    remedy="Compile in the builder stage, and copy the result only.",
)
def test_no_compiler(lucid_programs: Programs) -> None:
    """There is no compiler, assembler or linker, so that an intruder cannot build an exploit in the container."""
    assert not lucid_programs.get("compiler", ())


@pytest.mark.lucid("IMG-DEBUGGER", demand="content.no_debugger", severity="high", remedy=REMEDY)
def test_no_debugger(lucid_programs: Programs) -> None:
    """There is no debugger or tracer: such tools read secrets out of running processes."""
    assert not lucid_programs.get("debugger", ())


@pytest.mark.lucid("IMG-DOWNLOAD", demand="content.no_download_tool", severity="high", remedy=REMEDY)
def test_no_download_tool(lucid_programs: Programs) -> None:
    """There is no program that downloads or opens network connections, so that an intruder cannot fetch more tools."""
    assert not lucid_programs.get("download tool", ())


@pytest.mark.lucid(
    "IMG-SETID",
    demand="content.no_setid",
    severity="high",
    remedy="Clear the bits with chmod a-s in the builder stage.",
)
def test_no_setuid_or_setgid(lucid_inventory: Inventory) -> None:
    """No file in any layer has the setuid or setgid bit, which gives every user the rights of its owner."""
    bits = stat.S_ISUID | stat.S_ISGID
    assert not [where for where, entry in lucid_inventory.everywhere if entry.kind == "file" and entry.mode & bits]


@pytest.mark.lucid(
    "IMG-CAPABILITY",
    demand="content.no_capabilities",
    severity="high",
    remedy="Remove the capabilities with setcap -r in the builder stage.",
)
def test_no_file_capabilities(lucid_inventory: Inventory) -> None:
    """No file carries capabilities: the deployment drops all of them, and no file may restore one."""
    assert not [where for where, entry in lucid_inventory.everywhere if entry.capabilities]


@pytest.mark.lucid(
    "IMG-WRITABLE",
    demand="content.writable",
    severity="medium",
    remedy="Take the right to write from others, with chmod o-w.",
)
def test_no_world_writable_place(lucid_content: ImagePolicy, lucid_inventory: Inventory) -> None:
    """Only owners can write, but for the places that the matrix allows, which have the sticky bit as /tmp has."""
    allowed = {path.strip("/") for path in lucid_content.writable or ()}
    found = [
        f"{entry} ({entry.mode:04o})"
        for entry in lucid_inventory.merged.values()
        if entry.mode & stat.S_IWOTH
        and entry.kind != "link"
        and not (entry.path in allowed and entry.kind == "directory" and entry.mode & stat.S_ISVTX)
    ]
    assert not found


@pytest.mark.lucid(
    "IMG-DEVICE",
    demand="content.no_devices",
    severity="high",
    remedy="Remove the node; the engine makes those that a container needs.",
)
def test_no_device_nodes(lucid_inventory: Inventory) -> None:
    """There are no device nodes, pipes or sockets: an image is files, directories and links."""
    assert not [where for where, entry in lucid_inventory.everywhere if entry.kind in ("device", "other")]
