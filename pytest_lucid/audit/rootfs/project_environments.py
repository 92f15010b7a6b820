"""What `uv sync`, Poetry, pipenv and PDM make of a project: a virtual environment, where it is, on which interpreter.

Which packages they install is in their lock files, with hashes; nothing is demanded of those here.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.audit.rootfs.installer_arguments import read_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.audit.known_bases import KnownBase
    from pytest_lucid.audit.rootfs.installer_arguments import InstallerArguments

_COMMANDS = {
    "uv": frozenset({"sync"}),
    "poetry": frozenset({"install", "sync"}),
    "pipenv": frozenset({"install", "sync"}),
    "pdm": frozenset({"install", "sync"}),
}
_FALSE = frozenset({"", "0", "false", "no"})
_MINOR = re.compile(r"(?:c?python-?)?(3\.\d+)(?:\.\d+)?")
_MANAGED = "/root/.local/share/uv/python"


@dataclass(frozen=True, slots=True)
class ProjectEnvironment:
    """A project's environment: `folder` is None where the tool gives it a name of its own, "" for the system's Python.

    `interpreter` is what the environment's python links to, "" where that is not known; `python` is the minor version
    that was asked for, "" for that of the base.
    """

    folder: str | None
    interpreter: str = ""
    python: str = ""


def read_environment(
    words: Sequence[str | None], variables: Mapping[str, str], folder: str, base: KnownBase | None
) -> ProjectEnvironment | None:
    """Read one command in a folder; None when it makes no project's environment."""
    program = (words[0] or "").rpartition("/")[2] if words else ""
    if program not in _COMMANDS:
        return None
    arguments = read_arguments("poetry" if program == "pdm" else program, words[1:])
    if not arguments.words or arguments.words[0] not in _COMMANDS[program]:
        return None
    if program == "pipenv" and arguments.words[1:]:
        return None  # packages by name, and a lock file that is changed
    root = posixpath.join(folder, arguments.last("--directory", "--project", "-C", "-P") or "")
    if program == "uv":
        return _of_uv(arguments, variables, root, base)
    if program == "poetry":
        system = _is_off(variables, "POETRY_VIRTUALENVS_CREATE")
        inside = _is_on(variables, "POETRY_VIRTUALENVS_IN_PROJECT")
    else:
        system = program == "pipenv" and (arguments.has("--system") or _is_on(variables, "PIPENV_SYSTEM"))
        inside = program == "pdm" or _is_on(variables, "PIPENV_VENV_IN_PROJECT")
    if system:
        return ProjectEnvironment("")
    return ProjectEnvironment(posixpath.join(root, ".venv") if inside else None, _own(base))


def settings_of(words: Sequence[str | None]) -> tuple[str, str] | None:
    """The variable that says the same as `poetry config virtualenvs.create false`, with its value; None for others."""
    plain = [word for word in words[1:] if word is not None and not word.startswith("-")]
    match plain:
        case ["config", str(name), str(value)] if (words[0] or "").rpartition("/")[2] == "poetry":
            return "POETRY_" + name.upper().replace(".", "_").replace("-", "_"), value
    return None


def _of_uv(
    arguments: InstallerArguments, variables: Mapping[str, str], root: str, base: KnownBase | None
) -> ProjectEnvironment:
    stated = variables.get("UV_PROJECT_ENVIRONMENT") or ".venv"
    if arguments.has("--active") and variables.get("VIRTUAL_ENV"):
        stated = variables["VIRTUAL_ENV"]
    folder = posixpath.normpath(posixpath.join(root, stated))
    wanted = _MINOR.fullmatch(arguments.last("-p", "--python") or variables.get("UV_PYTHON", ""))
    python = wanted[1] if wanted else ""
    preference = arguments.last("--python-preference") or variables.get("UV_PYTHON_PREFERENCE", "")
    managed = arguments.has("--managed-python") or _is_on(variables, "UV_MANAGED_PYTHON")
    other = bool(python and base and base.python and python != base.python)
    if managed or preference == "only-managed" or other:
        # Below it, a folder for each version.
        interpreter = variables.get("UV_PYTHON_INSTALL_DIR") or _MANAGED
    else:
        interpreter = _own(base)
    return ProjectEnvironment("" if folder in {"/usr", "/usr/local"} else folder, interpreter, python)


def _own(base: KnownBase | None) -> str:
    """The interpreter of an image that has one; what a system without one was given is not known."""
    return base.interpreter if base and base.is_python_image else ""


def _is_on(variables: Mapping[str, str], name: str) -> bool:
    return variables.get(name, "").lower() not in _FALSE


def _is_off(variables: Mapping[str, str], name: str) -> bool:
    return name in variables and not _is_on(variables, name)
