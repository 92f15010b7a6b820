"""The packages inside an image, read from what their installers left there: Debian's and Python's."""

from __future__ import annotations

import base64
import csv
import email.parser
import hashlib
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_lucid.image.entries import Entry
    from pytest_lucid.image.inventory import Inventory

STATUS = "var/lib/dpkg/status.d/"
OS_RELEASE = "usr/lib/os-release"
SUMS = ".md5sums"
_METADATA = re.compile(
    r"(?P<place>(?:.*/)?(?P<site>(?:site|dist)-packages/)?)(?P<info>[^/]+\.dist-info/METADATA|[^/]+\.egg-info/PKG-INFO)"
)
_IMPORTABLE = (".py", ".so", ".pyd", ".pth", ".pyc")


@dataclass(frozen=True)
class DebianPackage:
    """A Debian package: name, version, architecture, and the MD5 sum of each of its files, by path without a slash."""

    name: str
    version: str
    architecture: str
    sums: Mapping[str, str]


@dataclass(frozen=True)
class Distribution:
    """An installed Python distribution: `place` is the directory it is imported from, `metadata` what it declares.

    `record` are its files by path from the image's root, each with its SHA-256 in hex (empty where it gives none);
    None where it has no record.
    """

    name: str
    version: str
    place: str
    metadata: Mapping[str, tuple[str, ...]]
    record: Mapping[str, str] | None

    def __str__(self) -> str:
        """Return how a finding names it."""
        return f"{self.name} {self.version}"


def debian_packages(inventory: Inventory) -> tuple[DebianPackage, ...]:
    """Return the packages that a distroless image lists, one file each."""
    found = []
    for path, entry in inventory.merged.items():
        if not path.startswith(STATUS) or path.endswith(SUMS) or entry.content.text is None:
            continue
        fields = _fields(entry.content.text)
        sums = inventory.merged.get(path + SUMS)
        found.append(
            DebianPackage(
                name=fields.get("package", ("",))[0],
                version=fields.get("version", ("",))[0],
                architecture=fields.get("architecture", ("",))[0],
                sums=read_sums(sums.content.text if sums else None),
            )
        )
    return tuple(found)


def read_sums(text: bytes | None) -> dict[str, str]:
    """Read a package's list of MD5 sums: path without a slash before it → sum in hex."""
    lines = (text or b"").decode("utf-8", "replace").splitlines()
    return {line[34:].strip().removeprefix("./"): line[:32] for line in lines}


def os_release(inventory: Inventory) -> dict[str, str]:
    """Return what the system says of itself in /etc/os-release, by name; empty where there is none."""
    entry = inventory.resolve("/etc/os-release") or inventory.resolve(OS_RELEASE)
    text = entry.content.text.decode("utf-8", "replace") if entry and entry.content.text else ""
    return dict(re.findall(r"""^(\w+)=["']?([^"'\n]*)["']?$""", text, re.MULTILINE))


def packaged_files(inventory: Inventory, packages: tuple[DebianPackage, ...]) -> Iterator[tuple[Entry, bool]]:
    """Yield each file that a package lists and the image has, and whether it is unchanged.

    Without the file that names the distribution: a distroless image is one of its own.
    """
    for package in packages:
        for path, md5 in package.sums.items():
            if path == OS_RELEASE:
                continue
            entry = inventory.resolve(path)
            if entry and entry.kind == "file" and entry.size:
                yield entry, entry.content.md5 == md5


def distributions(inventory: Inventory) -> tuple[Distribution, ...]:
    """Return the Python distributions of the image."""
    found = []
    for path, entry in inventory.merged.items():
        match = _METADATA.fullmatch(path)
        if match is None or entry.content.text is None:
            continue
        fields = _fields(entry.content.text)
        record = inventory.merged.get(f"{posixpath.dirname(path)}/RECORD")
        place = match["place"].rstrip("/")
        found.append(
            Distribution(
                name=fields.get("name", ("",))[0],
                version=fields.get("version", ("",))[0],
                place=place,
                metadata=fields,
                record=_record(place, record.content.text) if record and record.content.text else None,
            )
        )
    return tuple(found)


def record_problems(inventory: Inventory, found: tuple[Distribution, ...]) -> Iterator[str]:
    """Yield what is not as the records say: a file changed or gone, or one to import that no record lists."""
    listed: set[str] = set()
    for distribution in found:
        if distribution.record is None:
            yield f"{distribution} has no RECORD"
            continue
        listed.update(distribution.record)
        for path, sha256 in distribution.record.items():
            entry = inventory.merged.get(path)
            if entry is None:
                if not path.endswith(".pyc"):
                    yield f"{distribution}: /{path} is gone"
            elif sha256 and entry.sha256 != sha256 and entry.size:
                yield f"{distribution}: /{path} is changed"
    # Where pip installs, everything is recorded; Debian's own dist-packages are judged as Debian's files.
    places = tuple({f"{distribution.place}/" for distribution in found if distribution.record is not None})
    for entry in inventory.files:
        unlisted = entry.path.startswith(places) and entry.path not in listed and "/__pycache__/" not in entry.path
        if unlisted and entry.path.endswith(_IMPORTABLE):
            yield f"{entry} is of no distribution"


def _record(place: str, text: bytes) -> dict[str, str]:
    try:
        rows = list(csv.reader(text.decode("utf-8", "replace").splitlines()))
    except csv.Error:
        # As good as none: every file of the distribution is then unlisted.
        return {}
    return {posixpath.normpath(f"{place}/{row[0]}"): _hex(row[1]) for row in rows if len(row) > 1}


def _hex(stated: str) -> str:
    algorithm, _, value = stated.partition("=")
    if algorithm != "sha256":
        return ""
    try:
        digest = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return "damaged"
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else "damaged"


def _fields(text: bytes) -> dict[str, tuple[str, ...]]:
    """Return the header fields of a control file or of metadata, by lower-case name."""
    message = email.parser.BytesHeaderParser().parsebytes(text)
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in message.items():
        fields[name.lower()] = (*fields.get(name.lower(), ()), str(value))
    return fields
