"""Where the user's machine keeps what is costly to get and the same every time."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

KEPT_SECONDS = 30 * 24 * 3600


def cache_directory() -> Path:
    """Return the folder of this package in the user's cache; it may not be there yet."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "pytest-lucid"


def read_kept(path: Path) -> bytes | None:
    """Return what was kept at `path`, which then counts as used; None where nothing is."""
    try:
        content = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return content


def keep(path: Path, content: bytes) -> None:
    """Keep `content` at `path`. A cache that cannot be written is none."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, content)
        prune(path.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: others may be reading it. Raises OSError."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def prune(folder: Path) -> None:
    """Remove the files below `folder` that nobody has used for KEPT_SECONDS."""
    oldest = time.time() - KEPT_SECONDS
    for file in folder.glob("**/*"):
        if file.is_file() and file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)
