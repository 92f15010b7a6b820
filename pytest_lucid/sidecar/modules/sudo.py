"""testinfra's Sudo: another user is not to be had."""

from __future__ import annotations

from typing import NoReturn

from testinfra.modules.sudo import Sudo

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.modules.base import SidecarModule


class SidecarSudo(SidecarModule, Sudo):
    """Always an error."""

    def __call__(self, user: str | None = None) -> NoReturn:
        """Raise EngineError."""
        raise EngineError(
            f"host.sudo({user or ''}): the sidecar cannot become another user. It reads as root already: "
            "ask without sudo."
        )
