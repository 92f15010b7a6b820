"""When builds may go on side by side: what two Dockerfiles begin with is built once, by the first of them."""

from __future__ import annotations

import re
import threading
from itertools import takewhile
from typing import TYPE_CHECKING

from pytest_lucid.dockerfile.parse import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEP = re.compile(r"Step (\d+)/\d+ : ")


class BuildProgress:
    """How far the build of one Dockerfile has come. Steps are counted as the engine counts them, from 1."""

    def __init__(self, text: bytes) -> None:
        self.instructions = tuple((one.name, one.flags, one.arguments) for one in parse(text).instructions)
        self._changed = threading.Condition()
        self._begun = 0
        self._ended = False

    def hear(self, line: str) -> None:
        """Take note of a line of the engine's output."""
        if step := _STEP.match(line):
            with self._changed:
                self._begun = int(step[1])
                self._changed.notify_all()

    def end(self) -> None:
        """Take note of the end, whatever it was."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, steps: int) -> None:
        """Return when its first `steps` steps are done, or it has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._begun > steps)


def wait_for_shared(builds: Sequence[BuildProgress], number: int) -> None:
    """Return when build `number` finds in the engine's cache all that it begins with like an earlier one."""
    own = builds[number].instructions
    for earlier in builds[:number]:
        pairs = zip(own, earlier.instructions, strict=False)
        if shared := len(list(takewhile(lambda pair: pair[0] == pair[1], pairs))):
            earlier.wait_for(shared)
