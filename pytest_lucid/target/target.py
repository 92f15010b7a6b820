"""One host of a run, and what this process knows of it: its engine, images, deployment and sidecars."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_lucid.engine.connection import connect
from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.pool import SidecarPool
from pytest_lucid.stack.preflight import demand_architecture, demand_fitness
from pytest_lucid.target.deployment import Deployment
from pytest_lucid.target.images import Images
from pytest_lucid.target.prefetch import gather_deployment, gather_images, together

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pytest_lucid.config.settings import Settings
    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run
    from pytest_lucid.matrix import Matrix, Service


class Target:
    """The host that the user calls `host`. Each part is made when it is first used; one connection serves them all."""

    def __init__(self, host: str, settings: Settings, matrix: Matrix, services: Sequence[Service], run: Run) -> None:
        self.host = host
        self._settings = settings
        self._matrix = matrix
        self._services = services
        self._run = run
        self._connected: Engine | str | None = None
        self._gathered = False

    @property
    def engine(self) -> Engine:
        """Its engine. One that could not be reached is not tried again: later calls raise the same EngineError."""
        if self._connected is None:
            try:
                self._connected = connect(self.host)
            except EngineError as error:
                self._connected = str(error)
        if isinstance(self._connected, str):
            raise EngineError(self._connected)
        return self._connected

    @cached_property
    def images(self) -> Images:
        """The images under test there, or in files."""
        return Images(self._settings, self._matrix, self._services, lambda: self.engine, self._run.labels)

    @cached_property
    def deployment(self) -> Deployment:
        """The deployment there."""
        return Deployment(self.engine, self._matrix, self.sidecars)

    @cached_property
    def sidecars(self) -> SidecarPool:
        """The sidecars of the services there."""
        return SidecarPool(self.engine, self._run, [service.name for service in self._services])

    def demand_fitness(self) -> Engine:
        """Its engine; raises LucidError with a remedy where it cannot be reached, or is not fit."""
        engine = self.engine
        if not engine.is_local:
            if self._settings.builds:
                demand_fitness(engine, builds=True)
                return engine
            with ThreadPoolExecutor(1) as pool:
                fit = pool.submit(demand_fitness, engine, builds=False)
                gather_images(self.images, self._services, ("lucid_image",))
                fit.result()
            given = self.images.is_given
            images = [self.images.image(s) for s in self._services if not given(s)]
            demand_architecture(engine, images, self._matrix.architecture)
        return engine

    def gather(self, wanted: Collection[str]) -> None:
        """Ask another machine, once, for all that `wanted`, the fixtures of the checks to come, need."""
        if self._gathered or not self._settings.wants_engine:
            return
        self._gathered = True
        with suppress(EngineError):
            if self.engine.is_local:
                return
            questions: list[Callable[[], object]] = [lambda: gather_images(self.images, self._services, wanted)]
            if self._settings.wants_deployment:
                questions.append(lambda: gather_deployment(self.deployment, self._services, wanted))
            together(questions)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connected and not isinstance(self._connected, str):
            self._connected.close()
