"""A process that has loaded everything once, and makes each run of pytest in a copy of itself: `os.fork`.

`python -m pytest_lucid.plugin.warm ARGUMENT…` collects with these arguments, to load what a run loads. After that it
reads lines of standard input: a line is a JSON list, the file for pytest's output and the arguments of one run. It
answers each with a line that holds pytest's exit code. It ends with its standard input; SIGINT ends the run.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What a run that looks at a running stack loads only when it is asked for.
LATER = ("config", "content", "engine", "image", "inspect", "matrix", "plugin", "report", "sidecar", "target")
# The package is loaded when this module is, before pytest could rewrite it; it has no assertions.
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


class Copies:
    """Makes one run after the other, each in a copy of this process."""

    def __init__(self) -> None:
        self._copy = 0
        # Only the runs answer to these: this process ends with its standard input, and after its run.
        signal.signal(signal.SIGINT, lambda *_: self._interrupt())
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def run(self, arguments: Sequence[str], output: str) -> int:
        """Run pytest in a copy; returns its exit code here. In the copy this raises SystemExit."""
        if sys.platform != "linux":
            raise NotImplementedError("copies are made on Linux only")
        # A signal between the copy's birth and the note of its number would be for nobody.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        self._copy = os.fork()
        if not self._copy:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
            _speak_into(output)
            raise SystemExit(pytest.main([*QUIET, *arguments]))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        # Its number stays its own until it is fetched.
        os.waitid(os.P_PID, self._copy, os.WEXITED | os.WNOWAIT)
        ended, self._copy = self._copy, 0
        return os.waitstatus_to_exitcode(os.waitpid(ended, 0)[1])

    def _interrupt(self) -> None:
        """End the run; without one, this process, which has made nothing that would have to be removed."""
        if not self._copy:
            os._exit(pytest.ExitCode.INTERRUPTED)
        os.kill(self._copy, signal.SIGINT)


def _speak_into(path: str) -> None:
    """Write standard output and error into a file: the requests and answers of the parent are not for a run."""
    with open(path, "wb") as file, open(os.devnull, "rb") as nothing:  # noqa: PTH123 - descriptors are wanted
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def load(arguments: Iterable[str]) -> None:
    """Load what pytest loads in order to collect with these arguments, and what the checks load later."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        pytest.main([*QUIET, "--collect-only", "-q", *arguments])
        for room in LATER:
            package = importlib.import_module(f"pytest_lucid.{room}")
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                importlib.import_module(module.name)
    gc.collect()
    # What is here stays: the collector of a copy would write to each page of it, and the kernel then copies the page.
    gc.freeze()


def main() -> None:
    """Load, and make runs until standard input ends."""
    copies = Copies()
    load(sys.argv[1:])
    for line in sys.stdin:
        output, *arguments = json.loads(line)
        print(copies.run(arguments, output), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
