"""How far a stack has come: on a terminal a line for each service, drawn anew; elsewhere a line once one is ready."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pytest_lucid.report.lines import cut

if TYPE_CHECKING:
    from collections.abc import Callable

UNDER_WAY = frozenset({"building", "built", "starting"})
_MOST_LINES = 12
_SECONDS_BETWEEN = 0.2


class Drawing:
    """Writes with `write`, which takes text with its ends of lines; `live` where what was written can be drawn anew."""

    def __init__(
        self, write: Callable[[str], object], *, live: bool, width: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._live = live
        self._width = width
        self._clock = clock
        # Service → its state, and since when it has it.
        self._states: dict[str, tuple[str, float]] = {}
        self._drawn = 0
        # Services are built and started side by side.
        self._lock = threading.Lock()
        self._last = -_SECONDS_BETWEEN

    def __call__(self, line: str) -> None:
        """Write a line, above the services."""
        with self._lock:
            self._write(f"{self._up()}lucid: {line}\n")
            self._draw()

    def service(self, name: str, state: str) -> None:
        """Take the state of a service."""
        with self._lock:
            self._take(name, state)

    def _take(self, name: str, state: str) -> None:
        now = self._clock()
        before, since = self._states.get(name, ("", now))
        if state != before:
            self._states[name] = (state, now)
            if not self._live and state not in UNDER_WAY:
                self._write(f"lucid: {name}: {state} after {now - since:.1f} s\n")
        if self._live and (state != before or now - self._last >= _SECONDS_BETWEEN):
            self._write(self._up())
            self._draw()

    def close(self) -> None:
        """End the drawing: nothing of it stays, what is to stay was written as lines."""
        self._write(self._up())
        self._states.clear()

    def _up(self) -> str:
        """What removes the services that were drawn."""
        drawn, self._drawn = self._drawn, 0
        return f"\x1b[{drawn}A\r\x1b[J" if drawn else ""

    def _draw(self) -> None:
        if not self._live or not self._states:
            return
        self._last = now = self._clock()
        waiting = [name for name, (state, _) in self._states.items() if state != "healthy"]
        shown = waiting[:_MOST_LINES]
        width = max(map(len, shown), default=0)
        lines = [f"  {name:{width}}  {self._states[name][0]}, {now - self._states[name][1]:.1f} s" for name in shown]
        healthy = len(self._states) - len(waiting)
        more = f", {len(waiting) - len(shown)} more under way" if len(waiting) > len(shown) else ""
        lines.append(f"  {healthy} of {len(self._states)} services healthy{more}")
        self._write("".join(f"{cut(line, self._width - 1)}\n" for line in lines))
        self._drawn = len(lines)
