from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.errors import ConfigError
from pytest_lucid.image.compiled_python import source_of
from pytest_lucid.image.licences import is_allowed, licence_of
from pytest_lucid.image.packages import Distribution, debian_packages, distributions, packaged_files, record_problems
from pytest_lucid.image.pins import read_pins

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.image.inventory import Inventory

    Make = Callable[..., Inventory]

SITE = "v/lib/python3.11/site-packages"
METADATA = b"Metadata-Version: 2.4\nName: A_b.c\nVersion: 1.0\nLicense-Expression: MIT\n\nAbout: it\n"


def recorded(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def installed(code: bytes, *, listed: bytes | None = None, **more: bytes) -> dict[str, bytes]:
    record = f"a.py,{recorded(listed or code)},{len(code)}\nA-1.0.dist-info/METADATA,,\nA-1.0.dist-info/RECORD,,\n"
    files = {f"{SITE}/a.py": code, f"{SITE}/A-1.0.dist-info/METADATA": METADATA}
    return {**files, f"{SITE}/A-1.0.dist-info/RECORD": record.encode(), **more}


def test_distributions_and_their_records(inventory: Make) -> None:
    made = inventory(installed(b"x = 1"))
    (found,) = distributions(made)
    assert (str(found), found.place, licence_of(found)) == ("A_b.c 1.0", SITE, "MIT")
    assert not list(record_problems(made, (found,)))


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (installed(b"x = 1", listed=b"x = 2"), "A_b.c 1.0: /v/lib/python3.11/site-packages/a.py is changed"),
        (
            {**installed(b"x"), f"{SITE}/.wh.none": b"", f"{SITE}/b.pth": b"y"},
            "site-packages/b.pth is of no distribution",
        ),
        ({k: v for k, v in installed(b"x").items() if "a.py" not in k}, "site-packages/a.py is gone"),
        ({k: v for k, v in installed(b"x").items() if "RECORD" not in k}, "A_b.c 1.0 has no RECORD"),
    ],
    ids=["changed", "unlisted", "gone", "no record"],
)
def test_what_is_not_as_recorded(inventory: Make, files: dict[str, bytes], problem: str) -> None:
    made = inventory(files)
    assert any(problem in found for found in record_problems(made, distributions(made)))


def test_debian_packages_and_the_sums_of_their_files(inventory: Make) -> None:
    sums = "".join(f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}  {path}\n" for path, data in
                   (("usr/lib/a", b"a"), ("usr/lib/b", b"b"), ("usr/share/doc/gone", b"")))  # fmt: skip
    status = b"Package: libx\nVersion: 1-2\nArchitecture: amd64\nDescription: x\n more\n"
    made = inventory(
        {"var/lib/dpkg/status.d/libx": status, "var/lib/dpkg/status.d/libx.md5sums": sums.encode(), "usr/lib/a": b"a",
         "usr/lib/b": b"other"}
    )  # fmt: skip
    (package,) = debian_packages(made)
    assert (package.name, package.version, package.architecture) == ("libx", "1-2", "amd64")
    assert [(str(entry), same) for entry, same in packaged_files(made, (package,))] == [
        ("/usr/lib/a", True),
        ("/usr/lib/b", False),
    ]


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(GPL-3.0-only OR MIT) AND ISC", True),
        ("GPL-3.0-only OR (MIT AND GPL-2.0-only)", False),
        ("ISC WITH some-exception", True),
        ("", False),
        ("MIT ISC", False),
        ("(MIT", False),
        ("MIT OR", True),
    ],
)
def test_licences_by_policy(expression: str, verdict: bool) -> None:  # noqa: FBT001 - the table reads best so
    assert is_allowed(expression, {"MIT", "ISC"}) is verdict


@pytest.mark.parametrize(
    ("metadata", "expression"),
    [
        ({"license-expression": ("MIT",), "classifier": ("License :: OSI Approved :: BSD License",)}, "MIT"),
        ({"classifier": ("License :: OSI Approved :: MIT License", "Typing :: Typed")}, "MIT"),
        ({"classifier": ("License :: Other",)}, "License :: Other"),
        ({"license": ("BSD-2-Clause",)}, "BSD-2-Clause"),
        ({"license": ("CC0-1.0 OR Apache-2.0",)}, "CC0-1.0 OR Apache-2.0"),
        ({"license": ("3-Clause BSD License",)}, "BSD-3-Clause"),
        ({"license": ("CC0-1.0 or another",)}, ""),
        ({"license": ("3-Clause BSD License, with additions",)}, ""),
        ({"license": ("Copyright (c) 2020 Somebody",)}, ""),
        ({}, ""),
    ],
)
def test_where_a_licence_is_stated(metadata: dict[str, tuple[str, ...]], expression: str) -> None:
    assert licence_of(Distribution("a", "1", "", metadata, {})) == expression


def test_pins_that_apply_to_the_platform() -> None:
    text = (
        "# made by a tool\nA.b==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
        "c==2 ; python_full_version < '3.12' \\\n    --hash=sha256:22\n"
        "d==3 ; sys_platform == 'win32'\n--only-binary :all:\n"
    )
    assert read_pins(text, "r.txt", "3.11", "amd64") == {"a-b": "1.0", "c": "2"}
    assert read_pins(text, "r.txt", "3.13", "arm64") == {"a-b": "1.0"}


@pytest.mark.parametrize("line", ["a>=1", "a", "a==1,<2", "not a requirement"])
def test_what_is_not_pinned_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match=r"r\.txt: expected NAME==VERSION"):
        read_pins(line, "r.txt", "3.11", "amd64")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("c/usr/lib/python3.11/json/tool.cpython-311.pyc", "usr/lib/python3.11/json/tool.py"),
        ("c/app/x.cpython-311.opt-1.pyc", "app/x.py"),
        ("app/__pycache__/x.cpython-313.pyc", "app/x.py"),
        ("app/x.pyc", "app/x.py"),
    ],
)
def test_the_source_that_bytecode_stands_for(path: str, source: str) -> None:
    assert source_of(path, "/c") == source
