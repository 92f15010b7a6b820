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


def test_builder_is_the_same_up_to_the_code_of_the_service(root: Path) -> None:
    shared = re.compile(r"^ARG DEBIAN=.*^COPY common/lucid_service \S+$", re.MULTILINE | re.DOTALL)
    found = {match[0] for name in DOCKERFILES if (match := shared.search((root / name).read_text("utf-8")))}
    assert len(found) == 1


@pytest.mark.parametrize("name", DOCKERFILES)
def test_nothing_names_a_platform_or_a_minor_version(root: Path, name: str) -> None:
    text = (root / name).read_text("utf-8")
    assert not re.search(r"--platform|amd64|arm64|x86_64|aarch64|python3\.\d", text)


def test_every_pin_has_hashes_and_no_address_of_a_registry(root: Path) -> None:
    text = (root / "common/requirements.txt").read_text("utf-8")
    logical = [line for line in text.replace("\\\n", "").splitlines() if not line.startswith("#")]
    assert logical
    assert all(re.match(r"[a-z0-9-]+==[0-9.]+( ; [^\\]+)? +--hash=sha256:", line) for line in logical)
    assert not re.search(r"https?://|--index|--find-links|--extra", text)


def test_every_direct_dependency_is_pinned(root: Path) -> None:
    wanted = re.findall(r"^[a-z0-9-]+", (root / "common/requirements.in").read_text("utf-8"), re.MULTILINE)
    pinned = re.findall(r"^([a-z0-9-]+)==", (root / "common/requirements.txt").read_text("utf-8"), re.MULTILINE)
    assert set(wanted) <= set(pinned)
