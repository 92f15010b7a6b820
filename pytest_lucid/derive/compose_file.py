"""Reading a compose project, as compose itself reads it: merged, extended, included, interpolated, by its profiles.

Its rules are compose's own business, so compose is asked for what it makes of the files. Nothing is started.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from typing import TYPE_CHECKING, Any

from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Compose reads files only; one that takes longer waits for something that will not come.
SECONDS = 60
PLUGIN = "docker"
PROGRAM = "docker-compose"
REMEDY = "install Docker's compose plugin, or compose itself beside this package: pip install 'pytest-lucid[compose]'"


def read_compose(files: Sequence[Path], project: str | None = None, profiles: Sequence[str] = ()) -> dict[str, Any]:
    """Return what compose makes of `files`, as its `config --format json` gives it.

    Raises ConfigError for a file that is not there, without a compose of today, and with compose's own words where it
    refuses the files.
    """
    for file in files:
        if not file.is_file():
            raise ConfigError(f"{file}: no such file; expected a compose file")
    chosen = [f"--file={file}" for file in files]
    chosen += [f"--project-name={project}"] if project else []
    chosen += [f"--profile={profile}" for profile in profiles]
    done = _run([*_program(), *chosen, "config", "--format=json"])
    names = ", ".join(map(str, files))
    if done.returncode:
        raise ConfigError(f"{names}: compose refuses it: {_said(done) or f'exit code {done.returncode}'}")
    try:
        model = json.loads(done.stdout)
    except ValueError as error:
        raise ConfigError(f"{names}: compose answered no JSON, so it is too old; {REMEDY}") from error
    if not isinstance(model, dict) or not model.get("services"):
        raise ConfigError(f"{names}: no service is in it; expected some, perhaps of a profile (--profile NAME)")
    return model


def _program() -> list[str]:
    """The compose that is here: Docker's plugin, else the program, beside this interpreter or on PATH."""
    if (docker := shutil.which(PLUGIN)) and not _run([docker, "compose", "version"]).returncode:
        return [docker, "compose"]
    beside = shutil.which(PROGRAM, path=sysconfig.get_path("scripts"))
    if found := beside or shutil.which(PROGRAM):
        return [found]
    raise ConfigError(f"there is no compose to read the files with; {REMEDY}")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - compose, with options that begin with their names
            command, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"{' '.join(command[:2])}: it cannot be run, or does not end: {error}") from error


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """What compose complained of, without the warnings before it."""
    lines = [line for line in done.stderr.splitlines() if line.strip() and "level=warning" not in line]
    return " ".join(lines)
