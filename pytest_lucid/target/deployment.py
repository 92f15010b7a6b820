"""The deployment under test: every fact about it, gathered on first use and then kept. It judges nothing."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, TypeVar

from docker.errors import NotFound

from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import LucidError, MissingError
from pytest_lucid.inspect.consul import Discovery, read_discovery
from pytest_lucid.inspect.container import Container, read_container
from pytest_lucid.inspect.drift import read_drift
from pytest_lucid.inspect.http import Response, fetch
from pytest_lucid.inspect.network import NetworkFacts, read_network
from pytest_lucid.sidecar.runtime import read_runtime, resolve
from pytest_lucid.stack.certificate import AUTHORITY

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.inspect.drift import Drift
    from pytest_lucid.matrix import Matrix, Port, Service
    from pytest_lucid.sidecar.pool import SidecarPool
    from pytest_lucid.sidecar.runtime import Runtime

T = TypeVar("T")


class Deployment:
    """The services of `matrix` on `engine`. Facts are those of the moment at which they were first asked for."""

    def __init__(self, engine: Engine, matrix: Matrix, sidecars: SidecarPool) -> None:
        self.engine = engine
        self.matrix = matrix
        self.sidecars = sidecars
        self._facts: dict[Hashable, object] = {}

    def container(self, name: str) -> Container:
        """The container called `name`."""
        return self._once(("container", name), lambda: read_container(self.engine, name))

    @property
    def network(self) -> NetworkFacts:
        """The network that the services share. Raises MissingError where the matrix has none."""
        if self.matrix.network is None:
            raise MissingError("the matrix names no network that the services share")
        return self.network_called(self.matrix.network.name)

    def network_called(self, name: str) -> NetworkFacts:
        """The network called `name`."""
        return self._once(("network", name), lambda: read_network(self.engine, name))

    @property
    def discovery(self) -> Discovery:
        """What Consul knows of the services. Raises MissingError where the matrix has no Consul."""
        consul = self.matrix.consul
        if consul is None:
            raise MissingError("the matrix has no Consul")
        names = [service.name for service in self.matrix.service if service.registered]
        return self._once("discovery", lambda: read_discovery(self.engine, consul, names))

    def inside(self, service: Service) -> Runtime:
        """What is seen from within the container of `service`; raises MissingError where it does not run."""
        session = self.sidecars.session(service.name)
        return self._once(("inside", service.name), lambda: read_runtime(session, service.user))

    def names(self, service: Service) -> Mapping[str, frozenset[str]]:
        """The addresses to which the names of the running containers on its networks resolve inside `service`."""
        own = {network.name for network in self.matrix.networks_of(service)}
        found = {name: self.container(name) for name in self.matrix.names}
        names = tuple(name for name, each in found.items() if each.status == "running" and own & each.networks.keys())
        session = self.sidecars.session(service.name)
        return self._once(("names", service.name), lambda: resolve(session, names))

    def drift(self, service: Service) -> Drift:
        """What has changed in the container's own layer since it was made; raises MissingError where there is none."""
        return self._once(("drift", service.name), lambda: read_drift(self.engine, service.name))

    def get(self, service: Service, path: str, port: Port | None = None) -> Response:
        """What `service` answers to GET `path` on the published side of `port` (its HTTP port unless given)."""
        port = port or service.http
        if port is None:
            raise MissingError(f"the matrix gives {service.name} no port that speaks HTTP; expected `ports`")
        address = f"[{self.engine.address}]" if ":" in self.engine.address else self.engine.address
        url = f"{port.scheme}://{address}:{port.host}{path}"
        return self._once(url, lambda: self._ask(url, self._authority(service) if port.scheme == "https" else None))

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
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                member = archive.extractfile(AUTHORITY)
                return member.read().decode() if member else None

    def _once(self, key: Hashable, gather: Callable[[], T]) -> T:
        """Ask once; what could not be answered is not asked again, either."""
        if key not in self._facts:
            try:
                self._facts[key] = gather()
            except LucidError as error:
                self._facts[key] = error
        fact = self._facts[key]
        if isinstance(fact, LucidError):
            # A new one each time: a raised one collects the places through which it went.
            raise type(fact)(str(fact))
        return fact  # type: ignore[return-value]  # one key always has facts of one type
