"""Every module × method of the installed testinfra, the question that asks it, and what the answer has to be.

`same`: what testinfra's own backend answers in the same container; a literal, where that backend errs or cannot;
`error` and `not supported`: an error that says why. A question is asked as the service's user; `root:` before it has
testinfra's backend ask as root, as the sidecar reads.
"""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import testinfra.modules
from testinfra.host import Host
from testinfra.modules.base import InstanceModule, Module

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR, UNSUPPORTED, SAME = "error", "not supported", "same"
TABLE = Path(__file__).with_suffix(".txt").read_text("utf-8")
# What Python evaluates the questions with.
BUILTINS = {"sorted": sorted, "len": len, "getattr": getattr}


@dataclass(frozen=True)
class Cell:
    """A method of a module, a question that asks it, and what has to come: see the module."""

    method: str
    ask: str
    expected: str
    as_root: bool = False

    def put(self, host: Any) -> Any:
        """The answer of a Host."""
        return eval(self.ask, {"host": host, **BUILTINS})  # noqa: S307 - the expressions above

    def judge(self, docker: Any, sidecar: Any) -> tuple[str, str]:
        """The verdict of asking both (`right`, `error`, `not supported` or `WRONG`), and what the sidecar said."""
        try:
            said = self.put(sidecar)
        except (EngineError, NotImplementedError) as error:
            verdict = self.expected if self.expected in {ERROR, UNSUPPORTED} else "WRONG"
            return verdict, str(error) or type(error).__name__
        if self.expected in {ERROR, UNSUPPORTED}:
            return "WRONG", repr(said)
        due = self.put(docker) if self.expected == SAME else ast.literal_eval(self.expected)
        return ("right", repr(said)) if said == due else ("WRONG", f"{said!r} instead of {due!r}")


def _read(line: str) -> Cell:
    method, ask, expected = (part.strip() for part in line.split(" | "))
    return Cell(method, ask.removeprefix("root: "), expected, ask.startswith("root: "))


CELLS = tuple(_read(line) for line in TABLE.splitlines() if line)


def methods() -> Iterator[str]:
    """Every module × method of the testinfra that is installed, those of the Host included."""
    shared = {*dir(Module), *dir(InstanceModule)}
    for name, place in testinfra.modules.modules.items():
        module, _, kind = place.partition(":")
        found = getattr(importlib.import_module(f"testinfra.modules.{module}"), kind)
        own = [member for member in dir(found) if not member.startswith("_") and member not in shared]
        yield from (f"{name}.{member}" for member in own)
        if "__call__" in vars(found):
            yield f"{name}.__call__"
    yield from (f"host.{member}" for member in vars(Host) if not member.startswith(("_", "get_host")))
