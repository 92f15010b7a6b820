"""What one pytest process knows of Lucid: settings, matrix, and the hosts once they are asked for."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from pytest_lucid.audit.project import Project
from pytest_lucid.config.hosts import LOCAL
from pytest_lucid.engine.asking import together
from pytest_lucid.engine.run import Run
from pytest_lucid.errors import ConfigError, LucidError
from pytest_lucid.matrix import load_matrix

if TYPE_CHECKING:
    from pytest_lucid.config.settings import Settings
    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.target.target import Target

# What a lucid.toml may say of a tree that has no services of Lucid.
_FOR_ANY_TREE = ("ignore", "build_arguments")


class Workspace:
    """Each part is made when it is first used, because most pytest runs use none."""

    def __init__(self, settings: Settings, run: Run | None = None) -> None:
        self.settings = settings
        # What checking itself makes, such as sidecars; xdist's workers receive the label of their controller.
        self.run = run or Run.new()

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

    @cached_property
    def project(self) -> Project:
        """The Dockerfiles to audit."""
        whole = self.settings.all_dockerfiles or self.is_strange
        return Project(self.settings.project, self.matrix, self.services, whole=whole)

    @cached_property
    def is_strange(self) -> bool:
        """Whether the tree has nothing of the packaged matrix: not one of its Dockerfiles, and no matrix of its own.

        A lucid.toml that only says no to findings, or gives build arguments, is no matrix.
        Of such a tree no row is demanded, and all its Dockerfiles are audited.
        """
        settings = self.settings
        if self._has_rows or settings.services or settings.wants_engine:
            return False
        named = (service.dockerfile for service in self.matrix.service if service.dockerfile)
        return not any((settings.project / path).is_file() for path in named)

    @property
    def _has_rows(self) -> bool:
        """Whether a lucid.toml takes the packaged services over, as an empty one does, or says more of them."""
        if self.settings.matrix is None:
            return False
        packaged = load_matrix(None)
        same = {name: getattr(packaged, name) for name in _FOR_ANY_TREE}
        return self.matrix == packaged or self.matrix.model_copy(update=same) != packaged

    def demand_dockerfiles(self) -> None:
        """Raise one ConfigError that names every Dockerfile to build from that is not there."""
        missing = [
            f"{path}: no such file; expected the Dockerfile of {service.name}. "
            "Correct `dockerfile` in the matrix, or --lucid-project."
            for service in self.matrix.closure(self.services)
            if service.dockerfile and not (path := self.settings.project / service.dockerfile).is_file()
        ]
        if missing:
            raise ConfigError("\n".join(missing))

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that the user asked for. Raises ConfigError where an image was given for no known row."""
        bases = dict.fromkeys(service.base for service in self.matrix.service if service.base)
        known = [*(service.name for service in self.matrix.service), *bases]
        if unknown := [name for name in (*self.settings.images, *self.settings.references) if name not in known]:
            raise ConfigError(f"--lucid-image: no {unknown[0]!r} in the matrix; expected one of {', '.join(known)}")
        return self.settings.hosts or (LOCAL,)

    @cached_property
    def targets(self) -> dict[str, Target]:
        """What is known of each host, by name."""
        from pytest_lucid.target.target import Target  # noqa: PLC0415 - loads the engine's libraries, which a tree does not need

        return {host: Target(host, self.settings, self.matrix, self.services, self.run) for host in self.hosts}

    def demand_hosts(self) -> tuple[Engine, ...]:
        """The engine of every host; raises one ConfigError with all hosts that cannot be reached or are not fit."""
        answers = together(partial(_fit_engine, target) for target in self.targets.values())
        if problems := [str(answer) for answer in answers if isinstance(answer, LucidError)]:
            raise ConfigError("\n".join(problems))
        engines = [answer for answer in answers if not isinstance(answer, LucidError)]
        for number, engine in enumerate(engines):
            for other in engines[:number]:
                if engine.identity == other.identity:
                    raise ConfigError(f"--lucid-host: {other.host} and {engine.host} are the same engine; name it once")
        return tuple(engines)

    def close(self) -> None:
        """End every connection."""
        if "targets" in self.__dict__:
            for target in self.targets.values():
                target.close()


def _fit_engine(target: Target) -> Engine | LucidError:
    try:
        return target.demand_fitness()
    except LucidError as error:
        return error
