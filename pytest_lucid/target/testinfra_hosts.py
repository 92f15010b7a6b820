"""The backend behind `lucid://CONTAINER`: any running container, without the matrix."""

from __future__ import annotations

import atexit
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_lucid.config.hosts import LOCAL
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError
from pytest_lucid.sidecar.testinfra_backend import SidecarBackend
from pytest_lucid.target.sidecar_pool import SidecarPool
from pytest_lucid.target.testinfra_scheme import EXPECTED, SCHEME

if TYPE_CHECKING:
    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.sidecar.session import Session


class Visits:
    """The containers that this process looks into, each with one sidecar, and their engines, each reached once."""

    def __init__(self) -> None:
        self._run = Run.new()
        self._engines: dict[str, Engine] = {}
        self._pools: dict[tuple[str, str], SidecarPool] = {}

    def engine(self, host: str) -> Engine:
        """The engine of `host`; raises like connect."""
        if host not in self._engines:
            self._engines[host] = connect(host)
        return self._engines[host]

    def session(self, container: str, host: str) -> Session:
        """The session inside `container` on the engine of `host`; raises like Session.run."""
        key = (host, container)
        if key not in self._pools:
            self._pools[key] = SidecarPool(self.engine(host), self._run, [container])
        return self._pools[key].session(container)

    def end(self) -> None:
        """Remove every sidecar and leave the engines."""
        pools, engines = list(self._pools.values()), list(self._engines.values())
        self._pools.clear()
        self._engines.clear()
        for pool in pools:
            pool.close()
            pool.remove()
        for engine in engines:
            engine.close()


@lru_cache(maxsize=1)
def visits() -> Visits:
    """Those of this process; they end with it, or earlier by `end`."""
    found = Visits()
    atexit.register(found.end)
    return found


class ContainerBackend(SidecarBackend):
    """The backend of `lucid://CONTAINER`; nothing is asked before the first question."""

    NAME = SCHEME

    def __init__(self, name: str, *, engine_host: str = LOCAL, sudo: bool = False, **_: Any) -> None:
        if sudo:
            raise ConfigError(
                f"{SCHEME}://{name}: --sudo is not supported. The sidecar cannot become another user, "
                "and reads as root already."
            )
        if not name:
            raise ConfigError(f"{SCHEME}:// names no container; {EXPECTED}")
        super().__init__(name, lambda: visits().session(name, engine_host))
        self.engine_host = engine_host

    def get_pytest_id(self) -> str:
        """The container, and its engine's host unless it is this machine."""
        return f"{SCHEME}://{self.hostname}" + (f"?host={self.engine_host}" if self.engine_host != LOCAL else "")
