"""Circuit breakers: a caller stops asking a peer that keeps failing, and tries it again later; no call is made here.

The rule is Lucid's: open after 5 failures in a row, one trial at a time after 30 s, closed after 2 successes. The
maintained libraries count without telling a late result of an earlier state from one of the present, or are not for
asyncio; so this is a state machine of its own, which the tests drive with random events.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

FAILURES = 5
"""Failures in a row that open a circuit."""
COOLDOWN = 30.0
"""Seconds for which an open circuit lets nothing through."""
SUCCESSES = 2
"""Successful trials in a row that close it again."""

State = Literal["closed", "open", "half-open"]


class CircuitOpenError(Exception):
    """The peer is not asked; `wait` is in how many seconds it may be."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"the circuit is open for another {wait:.0f} s")
        self.wait = wait


class Circuit:
    """The circuit from this service to one peer; `clock` returns seconds that never go backwards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._opened: float | None = None
        self._failures = 0
        self._successes = 0
        self._trial: Call | None = None
        self._era = 0

    @property
    def state(self) -> State:
        """What the next call would meet."""
        if self._opened is None:
            return "closed"
        return "open" if self._wait() > 0 else "half-open"

    @property
    def failures(self) -> int:
        """Failures in a row, up to now."""
        return self._failures

    def begin(self) -> Call:
        """Return the call that may now be made, and must be ended. Raises CircuitOpenError if none may."""
        call = Call(self, self._era)
        if self._opened is not None:
            if self._wait() > 0:
                raise CircuitOpenError(self._wait())
            if self._trial is not None:
                raise CircuitOpenError(1.0)
            self._trial = call
        return call

    def _wait(self) -> float:
        return 0.0 if self._opened is None else self._opened + COOLDOWN - self._clock()

    def _end(self, call: Call, *, success: bool | None) -> None:
        trial = call is self._trial
        if trial:
            self._trial = None
        # A call from before the circuit last opened or closed says nothing about the peer of now.
        if call.era != self._era or success is None or (self._opened is not None and not trial):
            return
        if success:
            self._succeed()
        else:
            self._fail()

    def _succeed(self) -> None:
        self._failures = 0
        if self._opened is None:
            return
        self._successes += 1
        if self._successes >= SUCCESSES:
            self._opened = None
            self._era += 1

    def _fail(self) -> None:
        self._failures += 1
        if self._opened is not None or self._failures >= FAILURES:
            self._opened = self._clock()
            self._successes = 0
            self._era += 1


class Call:
    """One call through a circuit; a context manager: without a verdict, as when the client leaves, it says nothing."""

    def __init__(self, circuit: Circuit, era: int) -> None:
        self._circuit = circuit
        self.era = era
        self._success: bool | None = None

    def succeeded(self) -> None:
        """Say that the peer did its work."""
        self._success = True

    def failed(self) -> None:
        """Say that it did not."""
        self._success = False

    def __enter__(self) -> Self:
        """Return the call itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        self._circuit._end(self, success=self._success)  # noqa: SLF001  the two halves of one machine


class Circuits:
    """The circuits of one service, one for each peer that it needs."""

    def __init__(self, peers: Iterable[str]) -> None:
        self._circuits = {peer: Circuit() for peer in peers}

    def to(self, peer: str) -> Circuit:
        """Return the circuit to a peer that this service needs."""
        return self._circuits[peer]

    def states(self) -> dict[str, tuple[State, int]]:
        """Return state and failures in a row by peer."""
        return {peer: (circuit.state, circuit.failures) for peer, circuit in self._circuits.items()}
