"""Many files of a container in one answer: as many as match, however their bytes look."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_lucid.engine.shell_protocol import Result
    from pytest_lucid.sidecar.session import Session

DISGUISE_BITS = 24
PATTERN = re.compile(r"/[\w./*?\[\]+-]+", re.ASCII)


class Reading:
    """A question for the files that match `patterns` (absolute; shell wildcards), and how its answer is read.

    The toolbox writes a heading above each file. What a file holds could look like a heading, so the paths are written
    in a way that nobody can guess: with a random sequence of `/.` and `//` in front, which mean nothing.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        for pattern in patterns:
            if not PATTERN.fullmatch(pattern):
                raise ValueError(f"{pattern!r} is no pattern of paths; expected an absolute path without blanks")
        bits = secrets.randbits(DISGUISE_BITS)
        self._prefix = "".join("/." if bits >> bit & 1 else "//" for bit in range(DISGUISE_BITS))
        self.command = f"_show {quoted(f'{self._prefix}{pattern}' for pattern in patterns)}"

    def files(self, answer: Result) -> dict[str, bytes]:
        """Return path → content of each file that could be opened, in the order of the patterns."""
        _, *parts = (b"\n" + answer.stdout).split(b"\n==> " + self._prefix.encode())
        read = (part.partition(b" <==\n") for part in parts)
        return {path.decode("utf-8", "surrogateescape"): content for path, _, content in read}


def quoted(patterns: Iterable[str]) -> str:
    """Return patterns as words that the shell gives on as they are: then it need not start another shell for them."""
    return " ".join(f"'{pattern}'" for pattern in patterns)


def read_files(session: Session, *patterns: str) -> dict[str, bytes]:
    """Read the files that match `patterns`, all in one question; what does not exist is left out."""
    reading = Reading(patterns)
    return reading.files(session.run(reading.command))
