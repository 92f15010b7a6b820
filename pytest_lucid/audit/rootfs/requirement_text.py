"""Reads one requirement as pip does: a name with versions, a URL, a repository, or a path of the tree."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

_REPOSITORY = re.compile(r"(?:git|hg|svn|bzr)\+")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_RELEASE = re.compile(r"(?:[A-Za-z][\w-]*[-_/])?v?\d+(?:\.\d+)*(?:[-.+_]?\w+)*", re.IGNORECASE)
# An archive of a branch is another one tomorrow.
_BRANCH_ARCHIVE = re.compile(
    r".*/([^/]+)/(?:archive/|tarball/|zipball/)(?:refs/heads/.*|(?:main|master|develop)(?:\.\w+)*)"
)
_DIGEST = re.compile(r"(?:^|&)(?:sha256|sha384|sha512)=[0-9a-f]{32,}")
_ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")
_NAMED_URL = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*@\s*(\S+)")


@dataclass(frozen=True, slots=True)
class WrittenRequirement:
    """One requirement: the normalised name ("" where there is none), whether to one version, whether hashed.

    What cannot have a hash (a folder, a repository) counts as hashed; `local` tells that it is of the tree itself.
    """

    name: str
    pinned: bool
    hashed: bool
    local: bool = False


def read_requirement(text: str, *, hashed: bool = False) -> WrittenRequirement:
    """Read a requirement without its options; `hashed` tells that those had a hash. Never raises."""
    body = re.split(r"\s+;|;\s", text.strip(), maxsplit=1)[0].strip()
    named = _NAMED_URL.fullmatch(body)
    name, place = (canonicalize_name(named[1]), named[2]) if named else ("", body)
    if _REPOSITORY.match(place):
        return _of_repository(name, place)
    if "://" in place and not place.startswith("file:"):
        return _of_url(name, place, hashed=hashed)
    if named or is_path(place):
        return WrittenRequirement(name, pinned=True, hashed=True, local=True)
    try:
        parsed = Requirement(text.strip())
    except InvalidRequirement:
        # Nothing is concluded from what pip itself may refuse, or put together from variables.
        return WrittenRequirement("", pinned=True, hashed=True)
    versions = [(version.operator, version.version) for version in parsed.specifier]
    pinned = any(operator == "===" or (operator == "==" and "*" not in version) for operator, version in versions)
    return WrittenRequirement(canonicalize_name(parsed.name), pinned, hashed)


def is_path(text: str) -> bool:
    """Whether a word that pip is given names a file or a folder of the tree, as pip decides: by its looks."""
    bare = text.partition("[")[0]
    looks = bare in {".", ".."} or "/" in bare or "\\" in bare or bare.endswith(_ARCHIVES) or "*" in bare.split("=")[0]
    return text.startswith(("file:", "~")) or (looks and "://" not in text)


def _of_repository(name: str, place: str) -> WrittenRequirement:
    url, _, fragment = place.partition("#")
    egg = re.search(r"(?:^|&)egg=([A-Za-z0-9._-]+)", fragment)
    path = url.rpartition("://")[2].partition("/")[2]
    last = posixpath.basename(path.partition("@")[0].rstrip("/")).removesuffix(".git")
    name = name or canonicalize_name(egg[1] if egg else last)
    revision = path.partition("@")[2]
    pinned = bool(_COMMIT.fullmatch(revision) or _RELEASE.fullmatch(revision))
    return WrittenRequirement(name, pinned, hashed=True)


def _of_url(name: str, place: str, *, hashed: bool) -> WrittenRequirement:
    parts = urlsplit(place)
    file = unquote(posixpath.basename(parts.path))
    branch = _BRANCH_ARCHIVE.fullmatch(parts.path)
    # …/NAME/archive/refs/heads/main.zip
    inferred = canonicalize_name(branch[1]) if branch else _name_of(file)
    return WrittenRequirement(name or inferred, not branch, hashed or bool(_DIGEST.search(parts.fragment)))


def _name_of(file: str) -> str:
    """The distribution that a file's name tells; the file's own name where it tells none."""
    try:
        return parse_wheel_filename(file)[0] if file.endswith(".whl") else parse_sdist_filename(file)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return file
