"""What lies among the base's files, and what runs before the service; and what merely looks like it."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.image.packages import DebianPackage, Distribution
from pytest_lucid.image.strays import startup_code, strays

if TYPE_CHECKING:
    from collections.abc import Callable

    from saved import Tree

    from pytest_lucid.image.inventory import Inventory

    Make = Callable[..., Inventory]

LIB = "usr/lib/python3.11"
SITE = "home/app/lib/python3.11/site-packages"
BASE: Tree = {
    "usr/bin/python3.11": b"an interpreter",
    f"{LIB}/os.py": b"import sys\n",
    f"{LIB}/dist-packages/base.pth": b"import base\n",
    "etc/python3.11/sitecustomize.py": b"import base\n",
    "opt/.keep": b"",
}
FILES = ("usr/bin/python3.11", f"{LIB}/os.py")


def link(target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def found_strays(made: Inventory, *listed: str) -> list[str]:
    package = DebianPackage("p", "1", "all", dict.fromkeys(listed, ""))
    return list(strays(made, 1, FILES, [package], []))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (f"{LIB}/extra.py", f"/{LIB}/extra.py"),
        ("usr/bin/tool", "/usr/bin/tool"),
        (f"{LIB}/json/deep/er.py", f"/{LIB}/json"),
        (f"{LIB}/__pycache__/os.cpython-311.pyc", f"/{LIB}/__pycache__"),
    ],
)
def test_what_nobody_put_there_is_a_stray(inventory: Make, path: str, answer: str) -> None:
    assert found_strays(inventory(BASE, {path: b"x"})) == [answer]


def test_a_link_is_a_stray_and_a_folder_is_named_once(inventory: Make) -> None:
    assert found_strays(inventory(BASE, {"usr/bin/sh": link("/app/x")})) == ["/usr/bin/sh"]
    assert found_strays(inventory(BASE, {f"{LIB}/a/1": b"x", f"{LIB}/a/2": b"x"})) == [f"/{LIB}/a"]


@pytest.mark.parametrize(
    "path", ["app/main.py", "opt/tool", "etc/hosts", "usr/local/bin/x", "home/app/x", "usr/lib/other/x", "x"]
)
def test_what_lies_elsewhere_is_none(inventory: Make, path: str) -> None:
    assert found_strays(inventory(BASE, {path: b"x"})) == []


def test_what_a_package_lists_is_none_and_neither_is_another_version_of_the_base_s(inventory: Make) -> None:
    assert found_strays(inventory(BASE, {"usr/bin/tool": b"x"}), "usr/bin/tool") == []
    # That it is changed is another finding.
    assert found_strays(inventory(BASE, {f"{LIB}/os.py": b"x"})) == []


@pytest.mark.parametrize(
    ("path", "text", "answer"),
    [
        (f"{LIB}/dist-packages/a.pth", b"/opt\nimport os; os.system('x')\n", "runs \"import os; os.system('x')\""),
        (f"{SITE}/a.pth", b"\xef\xbb\xbfimport\tx\n", "runs 'import\\tx'"),
        (f"{SITE}/a.pth", b"import " + b"x" * 500, "runs"),
        (f"{SITE}/a.pth", b"#" * (2 << 20), "is not read as a list of paths"),
        (f"{LIB}/dist-packages/base.pth", b"import other\n", "runs 'import other'"),
        ("app/sitecustomize.pyc", b"x", "is imported at every start"),
        ("app/sitecustomize.py", b"x", "is imported at every start"),
        ("app/usercustomize.cpython-311-x86_64-linux-gnu.so", b"x", "is imported at every start"),
        (f"{SITE}/sitecustomize/__init__.py", b"", "is imported at every start"),
        ("etc/python3.11/sitecustomize.py", b"import other\n", "is imported at every start"),
    ],
)
def test_what_runs_at_every_start_is_told(inventory: Make, path: str, text: bytes, answer: str) -> None:
    (found,) = startup_code(inventory(BASE, {path: text}), 1, [])
    assert answer in found
    assert len(found) < 250


def test_a_list_of_paths_may_be_a_link_to_code(inventory: Make) -> None:
    made = inventory(BASE, {f"{SITE}/a.pth": link("b.pth"), f"{SITE}/b.pth": b"import x\n"})
    assert len(list(startup_code(made, 1, []))) == 2


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{SITE}/a.pth", b"/opt\n#import x\n importx\n import x\nimportlib\n"),
        ("app/a.pth", b"import x\n"),
        ("app/__pycache__/sitecustomize.cpython-311.pyc", b"x"),
        ("home/app/.pycache/usr/lib/python3.11/sitecustomize.cpython-311.pyc", b"x"),
        ("app/sitecustomize.md", b"x"),
        ("app/my_sitecustomize.py", b"x"),
        ("app/code/__init__.py", b"x"),
        (f"{LIB}/dist-packages/base.pth", b"import base\n"),
    ],
)
def test_what_does_not_run_is_not_told(inventory: Make, path: str, text: bytes) -> None:
    assert list(startup_code(inventory(BASE, {path: text}), 1, [])) == []


def test_what_a_distribution_records_is_its_own_as_long_as_it_is_unchanged(inventory: Make) -> None:
    made = inventory(BASE, {f"{SITE}/distutils-precedence.pth": b"import os\n"})
    path = f"{SITE}/distutils-precedence.pth"
    own = Distribution("setuptools", "1", SITE, {}, {path: made.merged[path].sha256})
    changed = Distribution("setuptools", "1", SITE, {}, {path: "0" * 64})
    assert list(startup_code(made, 1, [own])) == []
    assert len(list(startup_code(made, 1, [changed]))) == 1
