"""What a command installs with pip, and where to: which packages, into which folder, for which interpreter."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from pytest_lucid.audit.rootfs.installer_arguments import read_arguments
from pytest_lucid.audit.rootfs.requirement_text import is_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.audit.known_bases import KnownBase
    from pytest_lucid.audit.rootfs.installer_arguments import InstallerArguments

_PIP = re.compile(r"pip(?:3(?:\.\d+)?)?")
PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")
# Options that say where packages go.
_PLACES = ("-t", "--target", "--prefix", "--python", "-p")
# 3.13, 3.13.1, 313, python3.13, cpython-3.13.
_VERSION = re.compile(r"(?:c?python-?)?3\.?(\d{1,2})(?:\.\d+)?")
_ELSEWHERE = frozenset({"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_CONFIG_FILE", "VIRTUAL_ENV"})
# Debian 12 was the first release to mark its Python so.
_FIRST_MANAGED = 12
_DEFAULT_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
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
class InstallScheme:
    """Where packages go: the folder of modules, that of console scripts, and the interpreter these name first."""

    site: str
    scripts: str
    interpreter: str


@dataclass(frozen=True, slots=True)
class Install:
    """One `pip install`. `place` is None where it is unknown; `python` is the builder's minor version or "".

    `files` are the requirement files as absolute paths in the stage, `constraints` likewise; `names` the requirements
    on the command line; `local` tells that sources of the tree are installed, or something that is not known. `sources`
    says where in the build context each of those files comes from, None where that is not known. `wanted` is the Python
    that packages are chosen for by an option, `for_platform` tells that the system is chosen likewise. `is_managed`
    tells that pip leaves the packages there to the distribution, as PEP 668 has it, and refuses.
    """

    stage: int
    line: int
    place: InstallScheme | None
    base: KnownBase | None
    files: tuple[str, ...]
    constraints: tuple[str, ...]
    names: tuple[str, ...]
    local: bool
    sources: tuple[tuple[str, str | None], ...] = ()
    wanted: str = ""
    for_platform: bool = False
    is_managed: bool = False

    @property
    def python(self) -> str:
        """The minor version of the interpreter that the packages are for; "" where it is not known."""
        return self.wanted or (self.base.python if self.base else "")

    @property
    def is_for_building(self) -> bool:
        """Whether all that it installs are tools to build with."""
        names = {requirement_name(name) for name in self.names}
        return not self.files and not self.local and names <= BUILD_TOOLS


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides where pip installs: the folder, the home, the active environment, the base and its variables.

    `variables` are the environment of the command, `environments` the virtual environments that are there.
    """

    stage: int
    line: int
    folder: str
    home: str | None
    venv: str | None
    base: KnownBase | None
    variables: Mapping[str, str] = field(default_factory=dict)
    environments: frozenset[str] = frozenset()


def requirement_name(text: str) -> str:
    """The normal form of a requirement's name: `Foo_Bar[x]>=1` is foo-bar."""
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", text)
    return canonicalize_name(match.group()) if match else ""


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
    if name == "uv":
        arguments = read_arguments("uv", words[2:])
        return "", None if arguments.vague else (arguments.words or [".venv"])[-1]
    # `--prompt NAME` and `-p PYTHON` stand before the folder, which is last.
    return (program if module else ""), (folders[-1] if folders else None)


def read_install(words: Sequence[str | None], where: Surroundings) -> Install | None:
    """Read one command; None when it installs nothing with pip."""
    found = pip_arguments(words)
    if found is None:
        return None
    program, written = found
    is_uv = program.rpartition("/")[2] == "uv"
    arguments = read_arguments("uv" if is_uv else "pip", written)
    command, *given = arguments.words or [""]
    if command not in ({"install", "sync"} if is_uv else {"install"}):
        return None
    # What `uv pip sync` is given are files.
    names = [] if command == "sync" else [word for word in given if not is_path(word)]
    listed = [*arguments.all("-r", "--requirement", "--requirements"), *(given if command == "sync" else [])]
    limits = arguments.all("-c", "--constraint", "--constraints")
    limits += where.variables.get("UV_CONSTRAINT" if is_uv else "PIP_CONSTRAINT", "").split()
    local = arguments.vague or arguments.has("-e", "--editable", "--group") or len(names) < len(given)
    wanted = arguments.last("--python-version") or (arguments.last("-p", "--python") if is_uv else "") or ""
    version = _VERSION.fullmatch(wanted)
    return Install(
        stage=where.stage,
        line=where.line,
        place=None if arguments.is_unclear(*_PLACES) else _place(program, arguments, where),
        base=where.base,
        files=tuple(_absolute(where.folder, file) for file in listed),
        constraints=tuple(_absolute(where.folder, file) for file in limits),
        names=tuple(names),
        local=local,
        wanted=f"3.{version[1]}" if version else "",
        for_platform=arguments.has("--platform", "--python-platform"),
        is_managed=not is_uv and _is_managed(program, arguments, where),
    )


def _place(program: str, options: InstallerArguments, where: Surroundings) -> InstallScheme | None:
    base = where.base
    if options.has("--root"):
        return None
    own = base.interpreter if base else ""
    target = options.last("-t", "--target") or where.variables.get("PIP_TARGET")
    if target:
        target = _absolute(where.folder, target)
        return InstallScheme(target, f"{target}/bin", own)
    if venv := _venv(program, options, where):
        # The version of an unknown builder is unknown; the place is known nevertheless.
        version = base.python if base and base.python else "3"
        return InstallScheme(f"{venv}/lib/python{version}/site-packages", f"{venv}/bin", f"{venv}/bin/python")
    if base is None or not base.python:
        return None
    kind = "dist" if own.startswith("/usr/bin/") else "site"
    prefix = "/usr/local"
    given = options.last("--prefix") or where.variables.get("PIP_PREFIX")
    if options.has("--user") or where.variables.get("PIP_USER", "0") not in {"", "0", "no", "false"}:
        home = where.variables.get("PYTHONUSERBASE") or (f"{where.home}/.local" if where.home else "")
        if not home:
            return None
        prefix, kind = home, "site"
    elif given:
        # Debian's own pip adds local/, and calls the folder otherwise.
        prefix = _absolute(where.folder, given) + ("/local" if kind == "dist" else "")
    return InstallScheme(f"{prefix}/lib/python{base.python}/{kind}-packages", f"{prefix}/bin", own)


def _is_managed(program: str, options: InstallerArguments, where: Surroundings) -> bool:
    """Whether it is Debian's own pip, from release 12 on, and nothing sends the packages elsewhere."""
    base, path = where.base, where.variables.get("PATH", "/usr/bin")
    if base is None or not base.interpreter.startswith("/usr/bin/") or int(base.debian) < _FIRST_MANAGED:
        return False
    own = posixpath.dirname(program) in {"", "/usr/bin", "/bin"} and not options.last("--python")
    elsewhere = options.has("-t", "--target", "--prefix", "--root", "--dry-run", "--break-system-packages")
    forced = bool(({*_ELSEWHERE, "PIP_BREAK_SYSTEM_PACKAGES"}) & where.variables.keys())
    default = all(folder in _DEFAULT_PATH for folder in path.split(":"))
    return own and default and not (elsewhere or forced or options.vague or _venv(program, options, where))


def site_of(base: KnownBase | None) -> InstallScheme | None:
    """Where an installer puts packages for the interpreter of a base itself; None where that is not known."""
    if base is None or not base.python:
        return None
    kind = "dist" if base.interpreter.startswith("/usr/bin/") else "site"
    return InstallScheme(f"/usr/local/lib/python{base.python}/{kind}-packages", "/usr/local/bin", base.interpreter)


def _venv(program: str, options: InstallerArguments, where: Surroundings) -> str | None:
    """The virtual environment that pip installs into: that of `--python`, pip's own, or the active one."""
    python = options.last("--python", "-p") or ""
    folder = posixpath.dirname(python or program)
    if program.rpartition("/")[2] == "uv" and "/" not in python:
        return _venv_of_uv(options, where)
    if folder.endswith("/bin") and folder not in _SYSTEM_FOLDERS:
        return posixpath.dirname(_absolute(where.folder, folder))
    return None if python or folder else where.venv


def _venv_of_uv(options: InstallerArguments, where: Surroundings) -> str | None:
    """The environment of a variable, then the one in this folder or above; none with --system."""
    if options.has("--system") or where.variables.get("UV_SYSTEM_PYTHON", "0") not in {"", "0", "false"}:
        return None
    if active := where.variables.get("VIRTUAL_ENV"):
        return _absolute(where.folder, active)
    folder = where.folder
    while True:
        near = posixpath.join(folder, ".venv")
        if near in where.environments:
            return near
        if folder == "/":
            return where.venv
        folder = posixpath.dirname(folder)


def _absolute(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))
