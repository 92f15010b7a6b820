"""Assembles a stand-in of kind "distroless": packages in one tree, with no shell and no package manager of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError
from pytest_lucid.standin.file_tree import FileTree

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Sequence

    from pytest_lucid.standin.debian_packages import DownloadedPackage
    from pytest_lucid.standin.recipe import Recipe

BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_ROOTS = "usr/share/ca-certificates/"
NONROOT = 65532
# Documentation (not licences), and the scripts and data of tools that such an image does not have.
_LEFT_OUT = re.compile(
    r"usr/share/(man|info|lintian|locale|bug|menu|doc-base|binfmts|base-files|debconf)(/|$)"
    r"|usr/share/doc/.*(?<!/copyright)$"
    r"|usr/share/ca-certificates(/|$)|usr/sbin/update-ca-certificates$|etc/ca-certificates(/|$)"
    r"|etc/(update-motd\.d|init\.d|profile\.d|skel)(/|$)|usr/lib/(binfmt\.d|systemd)(/|$)|lib/systemd(/|$)"
)
# Accounts, groups and os-release in the order and the words of the real image's build files.
_GROUPS = (("root", 0), ("nobody", 65534), ("tty", 5), ("staff", 50), ("nonroot", NONROOT))
_RELEASE = (
    'PRETTY_NAME="Distroless"\nNAME="Debian GNU/Linux"\nID="debian"\nVERSION_ID="{number}"\n'
    'VERSION="Debian GNU/Linux {number} ({suite})"\nHOME_URL="https://github.com/GoogleContainerTools/distroless"\n'
    'SUPPORT_URL="https://github.com/GoogleContainerTools/distroless/blob/master/README.md"\n'
    'BUG_REPORT_URL="https://github.com/GoogleContainerTools/distroless/issues/new"\n'
)
_ACCOUNTS = (("root", 0, "/root"), ("nobody", 65534, "/nonexistent"), ("nonroot", NONROOT, "/home/nonroot"))


def assemble(recipe: Recipe, packages: Sequence[DownloadedPackage]) -> FileTree:
    """Return the image's tree: the packages' files, then what the real image has beyond them.

    Every file belongs to root and none is setuid, whatever a package says; the times are 0, as in the real one.
    """
    tree = FileTree()
    certificates = FileTree()
    for package in packages:
        tree.unpack(package.content(), _normalised)
        if package.name == "ca-certificates":
            certificates.unpack(
                package.content(), lambda info: info if info.name.startswith(_ROOTS) and info.isreg() else None
            )
    if certificates.entries:
        tree.file(BUNDLE, b"".join(certificates.read(path).rstrip() + b"\n" for path in certificates))
    _identity(tree, recipe)
    for package in packages:
        tree.file(f"var/lib/dpkg/status.d/{package.name}", package.control)
        tree.file(f"var/lib/dpkg/status.d/{package.name}.md5sums", _sums(package, tree))
    for path, target in recipe.links.items():
        tree.link(path.strip("/"), target)
    if recipe.applets:
        for applet in _applets(tree):
            tree.link(f"{recipe.applets.strip('/')}/{applet}", "/bin/busybox")
    return tree


def _normalised(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if _LEFT_OUT.match(info.name):
        return None
    info.uid = info.gid = 0
    info.mtime = 0
    info.mode &= 0o1777
    return info


def _identity(tree: FileTree, recipe: Recipe) -> None:
    """Add accounts, their homes, name lookup and the name of the distribution."""
    users = (f"{name}:x:{number}:{number}:{name}:{home}:/sbin/nologin\n" for name, number, home in _ACCOUNTS)
    groups = (f"{name}:x:{number}:\n" for name, number in _GROUPS)
    tree.file("etc/passwd", "".join(users))
    tree.file("etc/group", "".join(groups))
    tree.file("etc/nsswitch.conf", "hosts: files dns\n")
    tree.directory("tmp", mode=0o1777)
    tree.directory("root", mode=0o700)
    tree.directory("home")
    tree.directory("home/nonroot", mode=0o700, owner=NONROOT)
    release = "usr/lib/os-release"
    if release in tree.entries:
        number = re.search(r'^VERSION_ID="?(\d+)', tree.read(release).decode(), re.MULTILINE)
        tree.file(release, _RELEASE.format(number=number[1] if number else "", suite=recipe.suite))


def _sums(package: DownloadedPackage, tree: FileTree) -> bytes:
    """Return the package's MD5 sums of those files that the image has."""
    lines = package.md5sums.decode().splitlines(keepends=True)
    return "".join(line for line in lines if line[34:].strip() in tree.entries).encode()


def _applets(tree: FileTree) -> list[str]:
    """Return the names under which this busybox runs: its table of them, from `[` on, each ended by a NUL.

    Read from the file, because it may be for another architecture than this machine's.
    """
    table = re.search(rb"\[\0\[\[\0(?:[A-Za-z0-9._+-]+\0)+", tree.read("bin/busybox"))
    if table is None:
        raise EngineError("Debian's busybox has no table of applets where it was expected; the stand-in needs one.")
    return [name for name in table.group().decode().split("\0") if name not in ("", "busybox")]
