"""What one pytest process knows of Lucid: settings, matrix, and the deployment once it is asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pytest_lucid.deployment import Deployment
from pytest_lucid.dockerfile.parse import parse
from pytest_lucid.dockerfile.resolve import resolve
from pytest_lucid.engine.connection import connect
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError, MissingError
from pytest_lucid.matrix import load_matrix
from pytest_lucid.twin.twins import Twins

if TYPE_CHECKING:
    from pytest_lucid.dockerfile.facts import DockerfileFacts
    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.settings import Settings


class Lucid:
    """Each part is made when it is first used, because most pytest runs use none."""

    def __init__(self, settings: Settings, run: Run | None = None) -> None:
        self.settings = settings
        # What checking itself makes, such as twins; xdist's workers are told that of their controller.
        self.run = run or Run.new()
        self._dockerfiles: dict[str, DockerfileFacts] = {}

    @cached_property
    def matrix(self) -> Matrix:
        """The service matrix of the tree."""
        return load_matrix(self.settings.matrix)

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """The rows that the user asked for. Raises ConfigError for a name that the matrix does not have."""
        try:
            return self.matrix.select(self.settings.services)
        except KeyError as error:
            known = ", ".join(service.name for service in self.matrix.service)
            raise ConfigError(
                f"--lucid-service: no service {error.args[0]!r} in the matrix; expected one of {known}"
            ) from error

    def dockerfile(self, service: Service) -> DockerfileFacts:
        """The Dockerfile of `service`, read once. Raises MissingError where there is none."""
        if service.name not in self._dockerfiles:
            path = self.settings.project / service.dockerfile
            try:
                text = path.read_bytes()
            except OSError as error:
                raise MissingError(f"{path}: cannot be read ({error.strerror}); expected a Dockerfile") from error
            self._dockerfiles[service.name] = resolve(parse(text), self.matrix.build_arguments)
        return self._dockerfiles[service.name]

    def demand_dockerfiles(self) -> None:
        """Raise one ConfigError that names every Dockerfile to build from that is not there."""
        missing = [
            f"{self.settings.project / service.dockerfile}: no such file; expected the Dockerfile of {service.name}. "
            "Correct `dockerfile` in the matrix, or --lucid-project."
            for service in self.matrix.closure(self.services)
            if not (self.settings.project / service.dockerfile).is_file()
        ]
        if missing:
            raise ConfigError("\n".join(missing))

    @cached_property
    def engine(self) -> Engine:
        """The engine of the host that the user asked for."""
        return connect(self.settings.host)

    @cached_property
    def deployment(self) -> Deployment:
        """The deployment on that engine."""
        return Deployment(self.engine, self.matrix, self.twins)

    @cached_property
    def twins(self) -> Twins:
        """The twins of the services; made on first use, too."""
        return Twins(self.engine, self.run, [service.name for service in self.services])
