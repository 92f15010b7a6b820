"""What a reference to a base image tells: its release, its Python, whether it has a shell. Data: known_bases.toml.

An image that the data does not know is None: nothing is concluded from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from pytest_lucid.config import toml
from pytest_lucid.dockerfile.reference import split_reference

_ALPINE = re.compile(r"(?:alpine)?(?P<alpine>3\.\d+)?(?:\.\d+)?")
# Of these a tag may tell the version; the calendar of support asks for them.
_VERSIONED = ("node", "go", "php", "ruby", "ubi", "amazon", "redhat")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image reference in its parts; `repository` is without docker.io and library/, tag and digest may be ""."""

    repository: str
    tag: str
    digest: str

    @property
    def is_debug(self) -> bool:
        """Whether the tag is a variant for debugging, which carries a shell."""
        return "debug" in re.split(r"[-_.]", self.tag)


@dataclass(frozen=True, slots=True)
class KnownBase:
    """A known base image. What does not apply, or floats with the tag, is ""; `debian` is a number such as "12".

    `python` is the minor version, `interpreter` the path of the versioned program, `versions` are the others that the
    calendar knows, by name. `entrypoint` is None where it is not known. `programs` are the paths of all that can be
    started, None when there are too many to say; `variables` are None where any may be set. `user` is the number that
    the image runs as. `absent` are the programs that people expect and the image does not have. `floats` means that the
    image moves from one Debian release to the next.
    """

    reference: Reference
    has_shell: bool
    debian: str = ""
    alpine: str = ""
    ubuntu: str = ""
    python: str = ""
    interpreter: str = ""
    entrypoint: tuple[str, ...] | None = ()
    programs: tuple[str, ...] | None = None
    variables: tuple[str, ...] | None = None
    user: str = "0"
    absent: frozenset[str] = frozenset()
    versions: tuple[tuple[str, str], ...] = ()
    bash_is_sh: bool = False
    floats: bool = False

    @property
    def interpreters(self) -> tuple[str, ...]:
        """The paths of the base's own Python; () where none is known."""
        folder = self.interpreter.rpartition("/")[0]
        return (self.interpreter, f"{folder}/python3", f"{folder}/python") if self.is_python_image else ()

    @property
    def is_python_image(self) -> bool:
        """Whether it is a python image, whose interpreter is under /usr/local."""
        return self.interpreter.startswith("/usr/local/")

    @property
    def is_distroless(self) -> bool:
        """Whether it is one of the distroless project's images."""
        return self.reference.repository.startswith("gcr.io/distroless/")


def read_reference(text: str) -> Reference:
    """Split a reference as written; no reference is refused."""
    name, tag, digest = split_reference(text)
    return Reference(_mirrors().sub("", name).removeprefix("library/"), tag or "", digest or "")


@cache
def read_base(text: str) -> KnownBase | None:
    """Return what is known of the image that a reference names; None when it is unknown."""
    reference = read_reference(text)
    for entry in _data()["base"]:
        match = re.fullmatch(entry["repository"], reference.repository)
        tag = re.fullmatch(entry.get("tag", ".*"), reference.tag)
        if match and tag:
            found = {**match.groupdict(), **tag.groupdict()}
            return _base(reference, entry, {name: value or "" for name, value in found.items()})
    return None


def _base(reference: Reference, entry: dict[str, Any], matched: dict[str, str]) -> KnownBase:
    data = _data()
    # A tag says its system behind the version, or it is nothing else.
    release = matched.get("release") or matched.get("rest", "")
    debian = matched.get("debian") or _release(release, data["releases"])
    alpine = _alpine(f"alpine{matched['alpine']}" if "alpine" in matched else release)
    ubuntu = matched.get("ubuntu", "")
    python = matched.get("python", "")
    kind = entry.get("python", "")
    if kind == "debian":
        python = next((minor for number, minor in data["releases"].values() if number == debian), "")
    interpreter = f"{'/usr/bin' if kind == 'debian' else '/usr/local/bin'}/python{python}" if kind and python else ""
    programs = None if "programs" not in entry else tuple(entry["programs"])
    if programs is not None and interpreter:
        folder = interpreter.rpartition("/")[0]
        programs = (*programs, interpreter, f"{folder}/python3", f"{folder}/python")
    return KnownBase(
        reference=reference,
        has_shell=entry["shell"],
        debian=debian,
        alpine=alpine,
        ubuntu=data["ubuntu"].get(ubuntu, ubuntu),
        python=python,
        interpreter=interpreter,
        entrypoint=_entrypoint(entry, interpreter),
        programs=programs,
        variables=tuple(entry["variables"]) if "variables" in entry else None,
        absent=_absent(reference, entry, data["absent"]),
        user=entry.get("user") or ("65532" if "nonroot" in reference.tag.split("-") else "0"),
        versions=tuple((name, matched[name]) for name in _VERSIONED if matched.get(name)),
        bash_is_sh=entry.get("bash_is_sh", False),
        floats=entry.get("floats", False) and not reference.digest,
    )


def _entrypoint(entry: dict[str, Any], interpreter: str) -> tuple[str, ...] | None:
    stated = entry.get("entrypoint", [])
    if stated == "interpreter":
        return (interpreter,) if interpreter else None
    return None if stated == "unknown" else tuple(stated)


def _absent(reference: Reference, entry: dict[str, Any], data: dict[str, list[str]]) -> frozenset[str]:
    parts = reference.tag.split("-")
    for part, kind in entry.get("lacks", {}).items():
        if not part or any(re.fullmatch(rf"{part}[\d.]*", written) for written in parts):
            return frozenset(data[kind])
    return frozenset()


def _release(tag: str, releases: dict[str, list[str]]) -> str:
    """Return the number of the Debian release that a tag names, "" when it names none and so floats."""
    for part in tag.split("-"):
        if part in releases:
            return releases[part][0]
        number = part.partition(".")[0]
        if number in {number for number, _ in releases.values()}:
            return number
    return ""


def _alpine(text: str) -> str:
    match = _ALPINE.fullmatch(text) if text.startswith("alpine") else None
    return (match["alpine"] or "floating") if match else ""


@cache
def _mirrors() -> re.Pattern[str]:
    return re.compile("^(?:" + "|".join(_data()["mirrors"]["prefixes"]) + ")")


@cache
def _data() -> dict[str, Any]:
    return toml.packaged("pytest_lucid.audit", "known_bases.toml")
