"""What is known of one container, whether it runs or a compose file declares it: the source of its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_lucid.inspect.container import Container
    from pytest_lucid.inspect.drift import Drift
    from pytest_lucid.sidecar.runtime import Runtime


@dataclass(frozen=True)
class SeenContainer:
    """A container: what the engine says or will say, what is seen inside (None: nothing could be), its image's user.

    `is_current` says whether the image is still the one that bears the name. `declared_by` is the table of a compose
    file; then nothing ran, and `unknown` names what neither the file nor an image on the engine tells: `user`,
    `health`, `ports` or `volumes`. A container that `ends` does its work and ends with 0; `needs` are the names of
    those that start before it.
    """

    container: Container
    runtime: Runtime | None = None
    drift: Drift | None = None
    image_user: str | None = None
    is_current: bool = True
    declared_by: str = ""
    unknown: frozenset[str] = frozenset()
    ends: bool = False
    needs: tuple[str, ...] = ()

    def source(self, engine: str, compose: str) -> str:
        """Where something was read: in the engine's words, or by the keys of the compose file."""
        return f"{self.declared_by}: {compose}" if self.declared_by else engine
