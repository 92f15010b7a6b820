"""What a reference to a base image tells: its Debian release, its Python, whether it has a shell. Data: bases.toml.

An image that the data does not know is None: nothing is concluded from it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PYTHON_TAG = re.compile(r"(?P<python>3\.\d+)(?:\.\d+)?(?:(?:a|b|rc)\d+)?(?:-slim)?(?:-(?P<release>.+))?")
_ALPINE = re.compile(r"(?:alpine)?(?P<alpine>3\.\d+)?(?:\.\d+)?")


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

    @property
    def is_latest(self) -> bool:
        """Whether neither a tag nor a digest narrows the image down."""
        return not self.digest and self.tag in {"", "latest"}


@dataclass(frozen=True, slots=True)
class KnownBase:
    """A known base image. What does not apply, or floats with the tag, is ""; `debian` is a number such as "12".

    `python` is the minor version, `interpreter` the path of the versioned program. `programs` are the paths of all
    that can be started, or None when there are too many to say. `user` is None where the image does not matter.
    `absent` are the names of programs that people expect and the image does not have.
    """

    reference: Reference
    has_shell: bool
    debian: str = ""
    alpine: str = ""
    python: str = ""
    interpreter: str = ""
    entrypoint: tuple[str, ...] = ()
    programs: tuple[str, ...] | None = None
    variables: tuple[str, ...] = ()
    user: str = "0"
    absent: frozenset[str] = frozenset()

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
    rest, _, digest = text.partition("@")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        name, tag = rest, ""
    for prefix in ("index.docker.io/", "docker.io/", "library/"):
        name = name.removeprefix(prefix)
    return Reference(name, tag, digest)


@cache
def read_base(text: str) -> KnownBase | None:
    """Return what is known of the image that a reference names; None when it is unknown."""
    reference = read_reference(text)
    data = _data()
    for entry in data["base"]:
        match = re.fullmatch(entry["repository"], reference.repository)
        if match:
            return _base(reference, entry, match.groupdict().get("debian") or "", data["releases"])
    return None


def _base(reference: Reference, entry: dict[str, Any], debian: str, releases: dict[str, list[str]]) -> KnownBase:
    alpine = python = ""
    tag = reference.tag
    if reference.repository == "python":
        match = _PYTHON_TAG.fullmatch(tag)
        python = match["python"] if match else ""
        debian = _release(match["release"] or "" if match else tag, releases)
        alpine = _alpine((match["release"] or "") if match else tag)
    elif reference.repository == "debian":
        debian = _release(tag, releases)
    elif reference.repository == "alpine":
        alpine = _alpine(f"alpine{tag}")
    kind = entry.get("python", "")
    if kind == "debian":
        python = next((minor for number, minor in releases.values() if number == debian), "")
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
        python=python,
        interpreter=interpreter,
        entrypoint=(interpreter,) if entry.get("entrypoint") and interpreter else (),
        programs=programs,
        variables=tuple(entry["variables"]),
        absent=_absent(reference, _data()["absent"]),
        user="65532" if "nonroot" in tag.split("-") else "0",
    )


def _absent(reference: Reference, data: dict[str, list[str]]) -> frozenset[str]:
    parts = reference.tag.split("-")
    kind = "alpine" if reference.repository == "alpine" or any(part.startswith("alpine") for part in parts) else ""
    if not kind and reference.repository in {"debian", "ubuntu"}:
        kind = "debian"
    if not kind and reference.repository == "python" and "slim" in parts:
        kind = "slim"
    return frozenset(data.get(kind, ()))


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
def _data() -> dict[str, Any]:
    return tomllib.loads((files("pytest_lucid.audit") / "known_bases.toml").read_text("utf-8"))
