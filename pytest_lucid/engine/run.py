"""One run: its identity, the labels of what it makes, and the lock that keeps two runs apart."""

from __future__ import annotations

import getpass
import re
import secrets
import socket
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.engine.connection import Engine

RUN = "lucid.run"
OWNER = "lucid.owner"
KEEP = "lucid.keep"


@dataclass(frozen=True)
class Run:
    """A run of the person who started pytest; everything it makes carries its labels."""

    id: str
    owner: str
    keep: bool = False

    @classmethod
    def new(cls, *, keep: bool = False) -> Run:
        """A run with an id of its own."""
        return cls(secrets.token_hex(4), owner(), keep)

    @property
    def labels(self) -> dict[str, str]:
        """The labels by which what this run made is recognised, and removed, later."""
        return {RUN: self.id, OWNER: self.owner, KEEP: str(self.keep).lower()}


def owner() -> str:
    """Who makes what this machine makes, as `user@machine`."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@contextmanager
def exclusive(engine: Engine) -> Iterator[None]:
    """Hold the lock of this user and engine; it falls when the process ends, however it ends.

    Whoever holds it knows that labelled things of the same owner are left over from a run that is gone.
    """
    name = re.sub(r"[^\w.-]", "_", f"pytest-lucid-{getpass.getuser()}-{engine.identity}.lock")
    lock = FileLock(Path(tempfile.gettempdir()) / name, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise EngineError(
            f"another run of this user is using {engine}; expected no other run, because names and ports are "
            f"those of the matrix. Wait until the other run ends (lock: {lock.lock_file})."
        ) from error
    try:
        yield
    finally:
        lock.release()
