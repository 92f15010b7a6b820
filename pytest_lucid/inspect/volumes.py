"""What the engine reports of its volumes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_lucid.engine.connection import engine_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_lucid.engine.connection import Engine


@dataclass(frozen=True)
class Volume:
    """A volume: its driver, and the options that it was made with, such as the folder of the host that it really is."""

    driver: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_special(self) -> bool:
        """Whether it is anything but a folder that the engine made and keeps."""
        return self.driver != "local" or bool(self.options)

    def __str__(self) -> str:
        """Return what it really is, for messages."""
        return " ".join((f"driver={self.driver}", *(f"{key}={value}" for key, value in sorted(self.options.items()))))


def read_volumes(engine: Engine) -> Mapping[str, Volume]:
    """Ask the engine for all its volumes: name → volume."""
    with engine_errors("listing volumes"):
        listed = engine.client.api.volumes()["Volumes"] or ()
    return {entry["Name"]: Volume(entry["Driver"], entry.get("Options") or {}) for entry in listed}
