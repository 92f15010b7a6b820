"""What a command installs with pip, and where to: which packages, into which folder, for which interpreter."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_lucid.audit.known_bases import KnownBase

_PIP = re.compile(r"pip(?:3(?:\.\d+)?)?")
PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")
# Options of pip that take a value and say nothing about what goes where.
_VALUED = frozenset(
    {
        "-i",
        "-f",
        "-b",
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--cache-dir",
        "--timeout",
        "--retries",
        "--proxy",
    }
    | {"--trusted-host", "--cert", "--platform", "--python-version", "--implementation", "--abi", "--only-binary"}
    | {"--no-binary", "--progress-bar", "--root-user-action", "--upgrade-strategy", "--src", "--global-option", "--log"}
    | {"--config-settings", "-C", "--report", "--build", "--default-timeout", "--use-feature", "--keyring-provider"}
)
_SYSTEM_FOLDERS = ("/usr/bin", "/usr/local/bin", "/bin")
# What builds or installs packages, and is not part of a service.
BUILD_TOOLS = frozenset(
    {"pip", "setuptools", "wheel", "build", "poetry", "poetry-core", "uv", "pipenv", "pip-tools", "hatch", "hatchling"}
    | {
        "flit",
        "flit-core",
        "cython",
        "maturin",
        "scikit-build",
        "virtualenv",
        "packaging",
        "poetry-plugin-export",
        "pdm",
    }
)


@dataclass(frozen=True, slots=True)
class Venv:
    """A virtual environment: where it was made, and the interpreter that its own links to ("" where not known)."""

    path: str
    interpreter: str
    line: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where packages go: the folder of modules, that of console scripts, and the interpreter these name first."""

    site: str
    scripts: str
    interpreter: str


@dataclass(frozen=True, slots=True)
class Install:
    """One `pip install`. `place` is None where it cannot be told; `python` is the builder's minor version or "".

    `files` are the requirement files as absolute paths in the stage, `constraints` likewise; `names` the requirements
    on the command line; `local` tells that sources of the tree are installed. `sources` says where in the build context
    each of those files comes from, None where that is not known.
    """

    stage: int
    line: int
    place: Place | None
    base: KnownBase | None
    files: tuple[str, ...]
    constraints: tuple[str, ...]
    names: tuple[str, ...]
    local: bool
    sources: tuple[tuple[str, str | None], ...] = ()

    @property
    def python(self) -> str:
        """The minor version of the interpreter that the packages are for."""
        return self.base.python if self.base else ""

    @property
    def is_for_building(self) -> bool:
        """Whether all that it installs are tools to build with."""
        names = {requirement_name(name) for name in self.names}
        return not self.files and not self.local and names <= BUILD_TOOLS


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides where pip installs: the folder, the home, the active environment, the base and its variables."""

    stage: int
    line: int
    folder: str
    home: str | None
    venv: str | None
    base: KnownBase | None
    user_base: str = ""


def requirement_name(text: str) -> str:
    """The normal form of a requirement's name: `Foo_Bar[x]>=1` is foo-bar."""
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", text)
    return re.sub(r"[-_.]+", "-", match.group()).lower() if match else ""


def pip_arguments(words: Sequence[str | None]) -> tuple[str, list[str | None]] | None:
    """Return pip's own path or its interpreter's, and what follows; None when the command is not pip."""
    program = words[0] or ""
    name = program.rpartition("/")[2]
    if _PIP.fullmatch(name):
        return program, list(words[1:])
    if name == "uv" and words[1:2] == ("pip",):
        return program, list(words[2:])
    if PYTHON.fullmatch(name) and "-m" in words and "pip" in words:
        at = words.index("pip")
        return (program, list(words[at + 1 :])) if words[at - 1] == "-m" else None
    return None


def has_pair(words: Sequence[str | None], first: str, second: str) -> bool:
    """Whether one word directly follows another."""
    return any(word == first and words[index + 1] == second for index, word in enumerate(words[:-1]))


def venv_arguments(words: Sequence[str | None]) -> tuple[str, str | None] | None:
    """Return the interpreter, and the folder of the virtual environment that a command makes (None when unknown)."""
    program = words[0] or ""
    name = program.rpartition("/")[2]
    module = PYTHON.fullmatch(name) and (has_pair(words, "-m", "venv") or has_pair(words, "-m", "virtualenv"))
    if not module and name != "virtualenv" and (name, *words[1:2]) != ("uv", "venv"):
        return None
    rest = [word for word in words[1:] if word not in {"-m", "venv", "virtualenv"}]
    folders = [word for word in rest if word is None or not word.startswith("-")]
    # `--prompt NAME` and `-p PYTHON` stand before the folder, which is last.
    return (program if module else ""), (folders[-1] if folders else None)


def read_install(words: Sequence[str | None], where: Surroundings) -> Install | None:
    """Read one command; None when it installs nothing with pip."""
    found = pip_arguments(words)
    if found is None:
        return None
    program, arguments = found
    options = _Options()
    options.read(arguments)
    if options.command != "install":
        return None
    return Install(
        stage=where.stage,
        line=where.line,
        place=None if options.unclear else _place(program, options, where),
        base=where.base,
        files=tuple(_absolute(where.folder, file) for file in options.files),
        constraints=tuple(_absolute(where.folder, file) for file in options.constraints),
        names=tuple(options.names),
        local=options.local,
    )


class _Options:
    """The arguments of pip, as far as they matter here."""

    def __init__(self) -> None:
        self.command = ""
        self.values: dict[str, str] = {}
        self.files: list[str] = []
        self.constraints: list[str] = []
        self.names: list[str] = []
        self.user = self.local = self.unclear = False

    def read(self, arguments: list[str | None]) -> None:
        pending = list(reversed(arguments))
        while pending:
            word = pending.pop()
            if word is None:
                # Some word that only the build knows: packages, perhaps, or options.
                self.local = True
                continue
            option, equals, value = word.partition("=")
            if word.startswith("-"):
                if not equals and option in _VALUED | {
                    "-r",
                    "--requirement",
                    "-c",
                    "--constraint",
                    "-e",
                    "--editable",
                } | {
                    *("-t", "--target", "--prefix", "--python", "--root", "-p"),
                }:
                    given = pending.pop() if pending else None
                    self.unclear |= given is None and option in {"-t", "--target", "--prefix", "--python"}
                    value = given or ""
                self._option(option, value)
            elif not self.command:
                self.command = word
            else:
                self._requirement(word)

    def _option(self, option: str, value: str) -> None:
        match option:
            case "-r" | "--requirement":
                self.files.append(value)
            case "-c" | "--constraint":
                self.constraints.append(value)
            case "-e" | "--editable":
                self.local = True
            case "--user":
                self.user = True
            case "-t" | "--target":
                self.values["target"] = value
            case "--prefix" | "--python" | "--root":
                self.values[option[2:]] = value
            case "-p":
                self.values["python"] = value
            case _ if option.startswith("-r") and len(option) > len("-r") and not option.startswith("--"):
                self.files.append(option[2:])

    def _requirement(self, word: str) -> None:
        if (
            word.startswith((".", "/", "~"))
            or "://" in word
            or word.endswith((".whl", ".tar.gz", ".zip"))
            or "*" in word
        ):
            self.local = True
        else:
            self.names.append(word)


def _place(program: str, options: _Options, where: Surroundings) -> Place | None:
    base, values = where.base, options.values
    if "root" in values:
        return None
    own = base.interpreter if base else ""
    if "target" in values:
        target = _absolute(where.folder, values["target"])
        return Place(target, f"{target}/bin", own)
    if venv := _venv(program, values, where):
        # Of an unknown builder nobody knows the version; the place is told nevertheless.
        version = base.python if base and base.python else "3"
        return Place(f"{venv}/lib/python{version}/site-packages", f"{venv}/bin", f"{venv}/bin/python")
    if base is None or not base.python:
        return None
    kind = "dist" if own.startswith("/usr/bin/") else "site"
    prefix = "/usr/local"
    if options.user:
        home = where.user_base or (f"{where.home}/.local" if where.home else "")
        if not home:
            return None
        prefix, kind = home, "site"
    elif "prefix" in values:
        # Debian's own pip adds local/, and calls the folder otherwise.
        prefix = _absolute(where.folder, values["prefix"]) + ("/local" if kind == "dist" else "")
    return Place(f"{prefix}/lib/python{base.python}/{kind}-packages", f"{prefix}/bin", own)


def _venv(program: str, values: dict[str, str], where: Surroundings) -> str | None:
    """The virtual environment that pip installs into: that of `--python`, pip's own, or the active one."""
    folder = posixpath.dirname(values.get("python", program))
    if folder.endswith("/bin") and folder not in _SYSTEM_FOLDERS:
        return posixpath.dirname(_absolute(where.folder, folder))
    return None if "python" in values or folder else where.venv


def _absolute(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))
