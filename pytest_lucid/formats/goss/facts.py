"""What goss asks of files, and of what files hold: users, groups, packages. It is there also where nothing runs."""

from __future__ import annotations

import hashlib
import posixpath
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.goss.values import UnansweredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_lucid.formats.goss.model import Resource
    from pytest_lucid.formats.tested import FoundFile, Kind, Tested

    Facts = Mapping[str, Callable[[], Any]]

# No attribute: what there is instead, named where something is wrong.
HINT = ""
_TYPES: Mapping[Kind, str] = {
    "file": "file",
    "directory": "directory",
    "link": "symlink",
    "device": "block-device",
    "character device": "character-device",
    "fifo": "pipe",
    "socket": "socket",
}
# As large as the kernel has ids.
_NUMBER = re.compile("[0-9]{1,10}")
_STATUS, _STATUS_FOLDER = "/var/lib/dpkg/status", "/var/lib/dpkg/status.d"
_ALPINE = "/lib/apk/db/installed"


def file(resource: Resource, tested: Tested) -> Facts:
    """The attributes of a file; of a link those of the link itself, but for what is read."""
    path = _path(resource.subject, tested)
    looked = tested.look(path)

    def found() -> FoundFile:
        if looked is None:
            raise UnansweredError(f"{path} is not there")
        return looked

    def content() -> bytes:
        data = tested.read(path)
        if data is None:
            raise UnansweredError(f"{path} is not there, or no file that can be read")
        return data

    def target() -> str:
        if found().kind != "link":
            raise UnansweredError(f"{path} is no link")
        return found().target

    def read() -> str:
        return content().decode("utf-8", "surrogateescape")

    return {
        "exists": lambda: looked is not None,
        "mode": lambda: f"{found().mode:04o}",
        "size": lambda: found().size,
        "uid": lambda: found().uid,
        "gid": lambda: found().gid,
        "owner": lambda: _named("/etc/passwd", found().uid, tested),
        "group": lambda: _named("/etc/group", found().gid, tested),
        "filetype": lambda: _TYPES[found().kind],
        "linked-to": target,
        "contents": read,
        "contains": read,
        **{name: partial(_sum, name, content) for name in ("md5", "sha256", "sha512")},
    }


def _sum(name: str, content: Callable[[], bytes]) -> str:
    return hashlib.new(name, content(), usedforsecurity=False).hexdigest()


def _path(said: str, tested: Tested) -> str:
    if said.startswith("~"):
        name, _, rest = said[1:].partition("/")
        home = next((fields[5] for fields in _entries("/etc/passwd", 7, tested) if fields[0] == name), None)
        if home is None:
            raise ConfigError(f"file {said}: ~{name} is nobody's home here; expected an absolute path")
        return posixpath.join(home, rest) if rest else home
    return said if said.startswith("/") else posixpath.join(tested.config().workdir or "/", said)


def _entries(path: str, fields: int, tested: Tested) -> Iterator[list[str]]:
    """The lines of /etc/passwd or /etc/group that have as many fields as they must, and numbers where they must."""
    for line in (tested.read(path) or b"").decode("utf-8", "replace").splitlines():
        parts = line.split(":")
        numbers = parts[2:4] if path == "/etc/passwd" else parts[2:3]
        if len(parts) == fields and all(map(_NUMBER.fullmatch, numbers)):
            yield parts


def _named(path: str, number: int, tested: Tested) -> str:
    fields = 7 if path.endswith("passwd") else 4
    name = next((entry[0] for entry in _entries(path, fields, tested) if int(entry[2]) == number), None)
    if name is None:
        raise UnansweredError(f"the number {number} has no name in {path}")
    return name


def user(resource: Resource, tested: Tested) -> Facts:
    """A user of /etc/passwd, with the groups of /etc/group."""
    name = resource.subject
    entry = next((fields for fields in _entries("/etc/passwd", 7, tested) if fields[0] == name), None)

    def field(at: int) -> str:
        if entry is None:
            raise UnansweredError(f"there is no user {name} in /etc/passwd")
        return entry[at]

    def groups() -> list[str]:
        own = int(field(3))
        held = [
            group[0]
            for group in _entries("/etc/group", 4, tested)
            if name in group[3].split(",") or int(group[2]) == own
        ]
        return sorted(held)

    return {
        "exists": lambda: entry is not None,
        "uid": lambda: int(field(2)),
        "gid": lambda: int(field(3)),
        "groups": groups,
        "home": lambda: field(5),
        "shell": lambda: field(6),
    }


def group(resource: Resource, tested: Tested) -> Facts:
    """A group of /etc/group."""
    name = resource.subject
    entry = next((fields for fields in _entries("/etc/group", 4, tested) if fields[0] == name), None)

    def number() -> int:
        if entry is None:
            raise UnansweredError(f"there is no group {name} in /etc/group")
        return int(entry[2])

    return {"exists": lambda: entry is not None, "gid": number}


def package(resource: Resource, tested: Tested) -> Facts:
    """A package of Debian or Alpine, by the lists that their installers keep."""
    versions = [version for name, version in _packages(resource.subject, tested) if name == resource.subject]

    def found() -> list[str]:
        if not versions:
            raise UnansweredError(f"the package {resource.subject} is not installed")
        return versions

    return {"installed": lambda: bool(versions), "versions": found}


def _packages(wanted: str, tested: Tested) -> Iterator[tuple[str, str]]:
    """Name and version of each package. Raises ConfigError where there is no list that can be read."""
    lists = [text for path in (_STATUS, _ALPINE) if (text := tested.read(path)) is not None]
    lists += (text for name, text in tested.files(_STATUS_FOLDER).items() if not name.endswith(".md5sums"))
    if not lists:
        raise ConfigError(
            f"package {wanted} cannot be judged: there is no list of packages of Debian ({_STATUS}, {_STATUS_FOLDER}) "
            f"or Alpine ({_ALPINE}). Ask for the package's files, or set skip: true."
        )
    for text in lists:
        for paragraph in text.decode("utf-8", "replace").split("\n\n"):
            fields = dict(re.findall(r"(?m)^(Package|Status|Version|P|V): ?(.*)$", paragraph))
            # Distroless images give no status: what they list is there. What is to go is gone for goss.
            if fields.get("Status", "install ok installed").startswith(("install ok installed", "hold ok installed")):
                name, version = fields.get("Package", fields.get("P")), fields.get("Version", fields.get("V"))
                if name and version:
                    yield name, version
