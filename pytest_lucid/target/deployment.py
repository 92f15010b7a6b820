"""The deployment under test: every fact about it, gathered on first use and then kept. It judges nothing."""

from __future__ import annotations

import io
import tarfile
from functools import partial
from typing import TYPE_CHECKING

from docker.errors import NotFound

from pytest_lucid.engine.asking import Once, together
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import MissingError
from pytest_lucid.inspect.consul import Discovery, read_discovery
from pytest_lucid.inspect.container import Container, read_container
from pytest_lucid.inspect.drift import read_drift
from pytest_lucid.inspect.http import Response, fetch
from pytest_lucid.inspect.network import NetworkFacts, read_network
from pytest_lucid.inspect.volumes import Volume, read_volumes
from pytest_lucid.sidecar.runtime import read_runtime, resolve
from pytest_lucid.stack.certificate import AUTHORITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.inspect.drift import Drift
    from pytest_lucid.matrix import Matrix, Port, Service
    from pytest_lucid.sidecar.pool import SidecarPool
    from pytest_lucid.sidecar.runtime import Runtime

# More than a chain of certificates ever is.
LARGEST_AUTHORITY_BYTES = 1024 * 1024


class Deployment:
    """The services of `matrix` on `engine`. Facts are those of the moment at which they were first asked for."""

    def __init__(self, engine: Engine, matrix: Matrix, sidecars: SidecarPool) -> None:
        self.engine = engine
        self.matrix = matrix
        self.sidecars = sidecars
        self._facts = Once()

    def container(self, name: str) -> Container:
        """The container called `name`."""
        return self._facts.ask(("container", name), lambda: read_container(self.engine, name))

    @property
    def network(self) -> NetworkFacts:
        """The network that the services share. Raises MissingError where the matrix has none."""
        if self.matrix.network is None:
            raise MissingError("the matrix names no network that the services share")
        return self.network_called(self.matrix.network.name)

    def network_called(self, name: str) -> NetworkFacts:
        """The network called `name`."""
        return self._facts.ask(("network", name), lambda: read_network(self.engine, name))

    @property
    def volumes(self) -> Mapping[str, Volume]:
        """The volumes of the engine, by name."""
        return self._facts.ask("volumes", lambda: read_volumes(self.engine))

    @property
    def discovery(self) -> Discovery:
        """What Consul knows of the services. Raises MissingError where the matrix has no Consul, or none runs."""
        consul = self.matrix.consul
        if consul is None:
            raise MissingError("the matrix has no Consul")
        names = [service.name for service in self.matrix.service if service.registered]
        return self._facts.ask(
            "discovery", lambda: read_discovery(self.sidecars.session(consul.container), consul.port, names)
        )

    def inside(self, service: Service) -> Runtime:
        """What is seen from within the container of `service`; raises MissingError where it does not run."""
        question = ("inside", service.name)
        return self._facts.ask(question, lambda: read_runtime(self.sidecars.session(service.name), service.user))

    def names(self, service: Service) -> Mapping[str, frozenset[str]]:
        """The addresses to which the names of the running containers on its networks resolve inside `service`."""
        return self._facts.ask(
            ("names", service.name), lambda: resolve(self.sidecars.session(service.name), self._neighbours(service))
        )

    def drift(self, service: Service) -> Drift:
        """What has changed in the container's own layer since it was made; raises MissingError where there is none."""
        return self._facts.ask(("drift", service.name), lambda: read_drift(self.engine, service.name))

    def get(self, service: Service, path: str, port: Port | None = None) -> Response:
        """What `service` answers to GET `path` on the published side of `port` (its HTTP port unless given)."""
        port = port or service.http
        if port is None:
            raise MissingError(f"the matrix gives {service.name} no port that speaks HTTP; expected `ports`")
        address = f"[{self.engine.address}]" if ":" in self.engine.address else self.engine.address
        url = f"{port.scheme}://{address}:{port.host}{path}"
        return self._facts.ask(
            url, lambda: self._ask(url, self._authority(service) if port.scheme == "https" else None)
        )

    def _neighbours(self, service: Service) -> tuple[str, ...]:
        own = {network.name for network in self.matrix.networks_of(service)}
        found = together(partial(self.container, name) for name in self.matrix.names)
        return tuple(each.name for each in found if each.status == "running" and own & each.networks.keys())

    def _ask(self, url: str, authority: str | None) -> Response:
        answer = fetch(url, authority)
        if answer.error:
            # Silence of a machine that is lost says nothing about the service.
            self.engine.demand_life()
        return answer

    def _authority(self, service: Service) -> str | None:
        """The certificate authority that lies beside the certificate of `service`, in PEM; None where there is none."""
        with engine_errors(f"reading the certificate authority of {service.name}"):
            try:
                chunks, _ = self.engine.client.api.get_archive(service.name, f"{service.certificate}/{AUTHORITY}")
            except NotFound:
                return None
            return _text_of(chunks)


def _text_of(chunks: Iterable[bytes]) -> str | None:
    """The text of the one file in an archive; None for no text, or for more than a chain of certificates ever is."""
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > LARGEST_AUTHORITY_BYTES:
            return None
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            return member.read().decode("ascii") if member else None
    except (tarfile.TarError, LookupError, UnicodeDecodeError):
        return None
