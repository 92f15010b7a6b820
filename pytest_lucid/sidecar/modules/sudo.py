"""testinfra's Sudo: another user is not to be had."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from testinfra.modules.sudo import Sudo

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.modules.base import Sidecar

if TYPE_CHECKING:
    from collections.abc import Iterator


class SidecarSudo(Sidecar, Sudo):
    """Always an error."""

    @contextmanager
    def __call__(self, user: str | None = None) -> Iterator[None]:
        """Raise EngineError."""
        raise EngineError(
            f"host.sudo({user or ''}): the sidecar cannot become another user. It reads as root already: "
            "ask without sudo."
        )
        yield  # type: ignore[unreachable]  # makes this a generator, as a context manager has to be
