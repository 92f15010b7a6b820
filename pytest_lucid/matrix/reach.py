"""The rows and networks that `reaches` and `isolated_from` of a row name."""

from __future__ import annotations

from typing import NamedTuple


class Peer(NamedTuple):
    """A container of the matrix, and one of its TCP ports (None: whatever listens there)."""

    name: str
    port: int | None

    def __str__(self) -> str:
        """Return it as the matrix has it."""
        return self.name if self.port is None else f"{self.name}:{self.port}"
