"""What the six Dockerfiles share is the same to the byte, and the dependencies are pinned for everybody."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DOCKERFILES = [
    "03-api-gateway/Dockerfile",
    "blockchain/Dockerfile.engine",
    "blockchain/Dockerfile.anchoring",
    "blockchain/Dockerfile.manager",
    "blockchain/Dockerfile.data",
    "service-mesh/Dockerfile.controller",
]


def test_builder_is_the_same_up_to_what_all_services_depend_on(root: Path) -> None:
    shared = re.compile(r"^ARG DEBIAN=.*?^    && find /dependencies [^\n]+$", re.MULTILINE | re.DOTALL)
    found = {match[0] for name in DOCKERFILES if (match := shared.search((root / name).read_text("utf-8")))}
    assert len(found) == 1


@pytest.mark.parametrize("name", DOCKERFILES)
def test_nothing_names_a_platform_or_a_minor_version(root: Path, name: str) -> None:
    text = (root / name).read_text("utf-8")
    assert not re.search(r"--platform|amd64|arm64|x86_64|aarch64|python3\.\d", text)


REQUIREMENTS = [
    "common/requirements",
    "03-api-gateway/requirements",
    "blockchain/requirements.data",
    "blockchain/requirements.grpc",
    "service-mesh/requirements",
]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_pin_has_hashes_and_no_address_of_a_registry(root: Path, name: str) -> None:
    text = (root / f"{name}.txt").read_text("utf-8")
    logical = [line for line in text.replace("\\\n", "").splitlines() if not line.startswith("#")]
    assert logical
    assert all(re.match(r"[a-z0-9-]+==[0-9.]+( ; [^\\]+)? +--hash=sha256:", line) for line in logical)
    assert not re.search(r"https?://|--index|--find-links|--extra", text)


def pins(root: Path, name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([0-9.]+)", (root / f"{name}.txt").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_direct_dependency_is_pinned(root: Path, name: str) -> None:
    wanted = re.findall(r"^[a-z0-9][a-z0-9-]*", (root / f"{name}.in").read_text("utf-8"), re.MULTILINE)
    assert wanted
    assert set(wanted) <= set(pins(root, name))


def test_what_is_pinned_in_two_files_has_one_version(root: Path) -> None:
    versions: dict[str, set[str]] = {}
    for name in REQUIREMENTS:
        for package, version in pins(root, name).items():
            versions.setdefault(package, set()).add(version)
    assert {package for package, found in versions.items() if len(found) > 1} == set()
