"""One host of a run, and what this process knows of it: its engine, images, deployment and sidecars."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pytest_lucid.engine.asking import Once, together
from pytest_lucid.engine.connection import connect
from pytest_lucid.errors import EngineError
from pytest_lucid.inspect.find import name_of
from pytest_lucid.stack.preflight import demand_architecture, demand_fitness, demand_memory_limits
from pytest_lucid.target.chaos import Chaos
from pytest_lucid.target.deployment import Deployment
from pytest_lucid.target.images import Images
from pytest_lucid.target.prefetch import prefetch
from pytest_lucid.target.sidecar_pool import SidecarPool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pytest_lucid.config.settings import Settings
    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.engine.run import Run
    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.target.need import Need


class Target:
    """The host that the user calls `host`. Each part is made when it is first used; one connection serves them all."""

    def __init__(self, host: str, settings: Settings, matrix: Matrix, services: Sequence[Service], run: Run) -> None:
        self.host = host
        self._settings = settings
        self._matrix = matrix
        self._services = services
        self._run = run
        self._asked = Once()
        self._connected: Engine | None = None

    @property
    def engine(self) -> Engine:
        """Its engine. One that could not be reached is not tried again: later calls raise the same EngineError."""
        return self._asked.ask("engine", self._connect)

    def _connect(self) -> Engine:
        self._connected = connect(self.host)
        return self._connected

    @cached_property
    def images(self) -> Images:
        """The images under test there, or in files."""
        return Images(self._settings, self._matrix, self._services, lambda: self.engine, self._run.labels)

    @cached_property
    def deployment(self) -> Deployment:
        """The deployment there."""
        return Deployment(self.engine, self._matrix, self.sidecars, self._find)

    @cached_property
    def chaos(self) -> Chaos:
        """What can be done to the deployment there."""
        return Chaos(self.deployment)

    @cached_property
    def sidecars(self) -> SidecarPool:
        """The sidecars of the services there, and of Consul."""
        consul = [self._matrix.consul.container] if self._matrix.consul else []
        # Who must not be reached is looked into as well: it must be there.
        others = (
            peer.name
            for service in self._services
            for peer in self._matrix.peers(service, (*(service.reaches or ()), *(service.isolated_from or ())))
        )
        names = dict.fromkeys((*(service.name for service in self._services), *consul, *others))
        return SidecarPool(self.engine, self._run, list(names), find=self._find)

    def _find(self, row: str) -> str:
        """The name of the container of the row called `row`; a name that is no row's is that of a container."""
        rows = {service.name: service for service in self._matrix.service}
        if row not in rows:
            return row
        return self._asked.ask(("container", row), lambda: name_of(self.engine, rows[row]))

    def demand_fitness(self) -> Engine:
        """Its engine; raises LucidError with a remedy where it cannot be reached, or is not fit."""
        engine = self.engine
        if any(service.hardening and service.hardening.limits for service in self._services):
            demand_memory_limits(engine)
        if not engine.is_local:
            if self._settings.builds:
                demand_fitness(engine, builds=True)
                return engine
            services = [service for service in self._services if not self.images.is_given(service)]
            questions: list[Callable[[], object]] = [partial(self.images.image, service) for service in services]
            questions.insert(0, partial(demand_fitness, engine, builds=False))
            together(questions)
            images = [self.images.image(service) for service in services]
            demand_architecture(engine, images, self._matrix.architecture)
        return engine

    def prefetch(self, needs: Callable[[], Collection[Need]]) -> None:
        """Ask, once, for all that the checks to come need; `needs` is called then."""
        self._asked.ask("prefetch", lambda: self._prefetch(needs()))

    def _prefetch(self, needs: Collection[Need]) -> None:
        if self._settings.wants_engine:
            # The next caller gets the error.
            with suppress(EngineError):
                deployment = self.deployment if self._settings.wants_deployment else None
                prefetch(self.images, deployment, self._services, needs)

    def begin_journey(self) -> None:
        """Begin the session's way through the services, if the gateway is among those asked for."""
        gateway = self._matrix.gateway
        if gateway and gateway in self._services:
            self.deployment.begin_journey(gateway)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._connected:
            self._connected.close()
