"""What an engine's document says that an image or a container declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_lucid.formats.tested import DeclaredConfig

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_config(document: Mapping[str, Any]) -> DeclaredConfig:
    """Read the `Config` of an image's or a container's document; what is not declared is empty."""
    config: Mapping[str, Any] = document.get("Config") or {}
    return DeclaredConfig(
        environment=dict(entry.partition("=")[::2] for entry in config.get("Env") or ()),
        labels=dict(config.get("Labels") or {}),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        cmd=tuple(config.get("Cmd") or ()),
        workdir=str(config.get("WorkingDir") or ""),
        ports=frozenset(config.get("ExposedPorts") or ()),
        volumes=frozenset(config.get("Volumes") or ()),
        user=str(config.get("User") or ""),
    )
