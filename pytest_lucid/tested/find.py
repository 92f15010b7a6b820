"""From what a user names to what is tested: `lucid://CONTAINER`, the path of a saved image, or an image's name."""

from __future__ import annotations

import os.path
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from pytest_lucid.config.hosts import LOCAL
from pytest_lucid.engine.connection import connect, engine_errors
from pytest_lucid.errors import ConfigError
from pytest_lucid.target.testinfra_scheme import EXPECTED, SCHEME
from pytest_lucid.tested.container import ContainerUnderTest
from pytest_lucid.tested.engine_image import EngineImage
from pytest_lucid.tested.saved_image import SavedImageUnderTest

if TYPE_CHECKING:
    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run


class UnderTest:
    """All that this process tests, each made once; `close` removes what was made for it."""

    def __init__(self, run: Run, host: str = LOCAL) -> None:
        self._run = run
        self._host = host
        self._engine: Engine | None = None
        self._found: dict[str, ContainerUnderTest | EngineImage | SavedImageUnderTest] = {}

    def find(self, name: str) -> ContainerUnderTest | EngineImage | SavedImageUnderTest:
        """Return what `name` stands for. Raises ConfigError for a container's name that is none."""
        if name not in self._found:
            self._found[name] = self._make(name)
        return self._found[name]

    def _make(self, name: str) -> ContainerUnderTest | EngineImage | SavedImageUnderTest:
        if name.startswith(f"{SCHEME}://"):
            return self._container(name)
        if os.path.exists(name):  # noqa: PTH110 - pathlib fails for a name that is too long, as an image's may be
            return SavedImageUnderTest(Path(name))
        if self._engine is None:
            self._engine = connect(self._host)
        _demand_archives(self._engine, name)
        return EngineImage(self._engine, name, self._run)

    def _container(self, name: str) -> ContainerUnderTest:
        try:
            parts = urlsplit(name)
        except ValueError as error:
            raise ConfigError(f"{name!r} cannot be meant; {EXPECTED}") from error
        if not parts.netloc:
            raise ConfigError(f"{name} names no container; {EXPECTED}")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        host = query.pop("host", self._host)
        if query or parts.path or parts.fragment or not host:
            raise ConfigError(f"{name!r} cannot be meant; {EXPECTED}")
        return ContainerUnderTest(parts.netloc, host)

    def close(self) -> None:
        """Remove what was made, and end the connection."""
        # Each is closed whatever becomes of the others, the last one first.
        with ExitStack() as closing:
            if self._engine:
                closing.callback(self._engine.close)
            for each in self._found.values():
                closing.callback(each.close)


def _demand_archives(engine: Engine, name: str) -> None:
    """Raise ConfigError for Podman: in its archives a link is what it leads to, and owners are others."""
    with engine_errors(f"asking {engine.host} what it is"):
        version = engine.client.api.version(api_version=False)
    if any(part.get("Name") == "Podman Engine" for part in version.get("Components") or ()):
        raise ConfigError(
            f"{name} is on Podman {engine.version}, which gives files other owners and follows links, so no verdict "
            f"would be right. Run `podman save -o image.tar {name}`, and give image.tar."
        )
