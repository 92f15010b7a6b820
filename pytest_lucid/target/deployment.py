"""The deployment under test: every fact about it, gathered on first use and then kept. It judges nothing."""

from __future__ import annotations

import io
import secrets
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from docker.errors import NotFound

from pytest_lucid.engine.asking import Once, together
from pytest_lucid.engine.connection import engine_errors
from pytest_lucid.errors import EngineError, MissingError
from pytest_lucid.inspect.consul import Discovery, read_discovery
from pytest_lucid.inspect.container import Container, read_container
from pytest_lucid.inspect.contract import read_contract
from pytest_lucid.inspect.drift import read_drift
from pytest_lucid.inspect.find import instances_of
from pytest_lucid.inspect.grpc_health import ask_health
from pytest_lucid.inspect.http import GET, fetch
from pytest_lucid.inspect.journey import Traveller
from pytest_lucid.inspect.network import NetworkFacts, read_network
from pytest_lucid.inspect.rates import ask_repeatedly
from pytest_lucid.inspect.tls import read_tls
from pytest_lucid.inspect.tokens import SECRET
from pytest_lucid.inspect.volumes import Volume, read_volumes
from pytest_lucid.sidecar.listeners import COMMAND as LISTENING
from pytest_lucid.sidecar.listeners import read_listeners
from pytest_lucid.sidecar.pipe import connected
from pytest_lucid.sidecar.runtime import read_runtime, resolve
from pytest_lucid.stack.certificate import AUTHORITY
from pytest_lucid.target.ways import ProbedPeer, find_ways

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from pytest_lucid.engine.connection import Engine
    from pytest_lucid.inspect.contract import Contract
    from pytest_lucid.inspect.drift import Drift
    from pytest_lucid.inspect.grpc_health import GrpcHealth
    from pytest_lucid.inspect.http import Request, Response
    from pytest_lucid.inspect.journey import Journey
    from pytest_lucid.inspect.rates import Admission
    from pytest_lucid.inspect.tls import Tls
    from pytest_lucid.matrix import Matrix, Port, Service
    from pytest_lucid.matrix.reach import Peer
    from pytest_lucid.sidecar.runtime import Runtime
    from pytest_lucid.target.sidecar_pool import SidecarPool
    from pytest_lucid.target.ways import Way

# More than a chain of certificates ever is.
LARGEST_AUTHORITY_BYTES = 1024 * 1024
# The gateway counts a request for it, and passes none on: no plain path has an escape.
REFUSED_PATH = "/api/v1/chain/%7E"


class Deployment:
    """The services of `matrix` on `engine`. Facts are those of the moment at which they were first asked for.

    `find` gives the name of the container of a row, and raises MissingError where there is none.
    """

    def __init__(self, engine: Engine, matrix: Matrix, sidecars: SidecarPool, find: Callable[[str], str] = str) -> None:
        self.engine = engine
        self.matrix = matrix
        self.sidecars = sidecars
        self._find = find
        self._facts = Once()
        self._journey: Future[Journey] | None = None

    def container(self, name: str) -> Container:
        """The container of the row called `name`, or of this name."""
        return self._facts.ask(("container", name), lambda: self.read_container(name))

    def read_container(self, name: str) -> Container:
        """The same as it is now; nothing is kept."""
        try:
            return read_container(self.engine, self._find(name))
        except MissingError as error:
            return Container(name, None, missing=error)

    def instances(self, service: Service) -> tuple[str, ...]:
        """The names of the containers that run and have the labels by which `service` is found."""
        return self._facts.ask(("instances", service.name), lambda: instances_of(self.engine, service))

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

    def ports(self, name: str) -> tuple[int, ...]:
        """The TCP ports beyond loopback at which the container called `name` listens, seen inside."""
        session = self.sidecars.session(name)
        listening = self._facts.ask(("listeners", name), lambda: read_listeners(name, session.run(LISTENING)))
        return tuple(sorted({each.port for each in listening if each.protocol == "tcp" and each.is_reachable}))

    def ways(self, service: Service, said: tuple[str, ...]) -> tuple[Way, ...]:
        """The ways from `service` to what `said` means in the matrix, each tried from inside; raises like `inside`."""
        peers = self.matrix.peers(service, said)

        def find() -> tuple[Way, ...]:
            source = self.container(service.name)
            source.demand_running()
            return find_ways(source, self.sidecars.session(service.name), [self._destination(peer) for peer in peers])

        return self._facts.ask(("ways", service.name, said), find)

    def _destination(self, peer: Peer) -> ProbedPeer:
        container = self.container(peer.name)
        container.demand_running()
        ports = (peer.port,) if peer.port else self.ports(peer.name)
        return ProbedPeer(peer, container, self.sidecars.session(peer.name), ports)

    def drift(self, service: Service) -> Drift:
        """What has changed in the container's own layer since it was made; raises MissingError where there is none."""
        return self._facts.ask(("drift", service.name), lambda: read_drift(self.engine, self._find(service.name)))

    def get(self, service: Service, path: str, port: Port | None = None) -> Response:
        """What `service` answers to GET `path` on the published side of `port` (its HTTP port unless given).

        Raises MissingError where nobody answers because the service does not run.
        """
        url = self._url(service, path, port)
        return self._facts.ask(url, lambda: self._get(service, url))

    def _get(self, service: Service, url: str) -> Response:
        answer = self._ask(service, url)
        if answer.error:
            # Silence of what does not run is no fault of its HTTP.
            self.container(service.name).demand_running()
        return answer

    def _neighbours(self, service: Service) -> tuple[str, ...]:
        own = {network.name for network in self.matrix.networks_of(service)}
        found = together(partial(self.container, name) for name in self.matrix.names)
        return tuple(each.name for each in found if each.status == "running" and own & each.networks.keys())

    def ask(self, service: Service, path: str, request: Request = GET) -> Response:
        """What `service` answers now on the published side of its HTTP port; nothing is kept."""
        return self._ask(service, self._url(service, path), request)

    def ask_until(self, service: Service, path: str, holds: Callable[[Response], bool], seconds: int) -> Response:
        """Ask once a second, at most `seconds` times, until what `service` answers `holds`; returns the last answer.

        For answers that a busy host may get wrong for a moment: a service names a peer unhealthy that answers late.
        """
        for _ in range(seconds - 1):
            if holds(answer := self.ask(service, path)):
                return answer
            time.sleep(1)
        return self.ask(service, path)

    def tls(self, service: Service, port: Port) -> Tls:
        """The TLS of a published port; raises EngineError where there is none, MissingError where nothing runs."""

        def gather() -> Tls:
            try:
                return read_tls(self.engine.address, port.host, self._authority(service))
            except EngineError:
                self.container(service.name).demand_running()
                raise

        return self._facts.ask(("tls", service.name, port.number), gather)

    def grpc_health(self, service: Service, port: Port) -> GrpcHealth:
        """What gRPC's health service says on `port`, asked inside the container; raises where it does not run."""
        session = self.sidecars.session(service.name)

        def ask() -> GrpcHealth:
            with connected(session, port.number) as pipe:
                return ask_health(f"{service.name}:{port.number}", pipe.sendall, pipe.receive)

        return self._facts.ask(("grpc", service.name, port.number), ask)

    def admissions(self, service: Service, count: int) -> Sequence[Admission]:
        """How `service` answers `count` requests without a token that come at once from inside its own container.

        No other client has that address, so nobody else is refused for them.
        """
        session, number = self.sidecars.session(service.name), _http(service).number

        def ask() -> Sequence[Admission]:
            with connected(session, number) as pipe:
                return ask_repeatedly(pipe, REFUSED_PATH, count)

        return self._facts.ask(("admissions", service.name, count), ask)

    def begin_journey(self, gateway: Service) -> None:
        """Begin the session's way through all services, which takes a block's time; `journey` waits for its end."""
        if self._journey is not None:
            return
        session = f"lucid-check-{secrets.token_hex(4)}"
        secret = self.container(gateway.name).environment.get(SECRET, "")
        traveller = Traveller(session, secret, lambda path, request: self.ask(gateway, path, request))
        pool = ThreadPoolExecutor(1, "journey")
        self._journey = pool.submit(traveller.travel)
        pool.shutdown(wait=False)

    @property
    def journey(self) -> Journey:
        """The session's way through all services, once it has come to its end."""
        if self._journey is None:
            raise MissingError("the journey was not begun")
        return self._journey.result()

    def contract(self, service: Service) -> Contract:
        """The OpenAPI document of `service`; raises MissingError where it has none."""
        path = service.api.openapi if service.api else None
        return self._facts.ask(
            ("contract", service.name), lambda: read_contract(self.get(service, path or "/openapi.json"))
        )

    def _url(self, service: Service, path: str, port: Port | None = None) -> str:
        port = port or _http(service)
        address = f"[{self.engine.address}]" if ":" in self.engine.address else self.engine.address
        return f"{port.scheme}://{address}:{port.host}{path}"

    def _ask(self, service: Service, url: str, request: Request = GET) -> Response:
        answer = fetch(url, self._authority(service) if url.startswith("https:") else None, request)
        if answer.error:
            # Silence of a machine that is lost says nothing about the service.
            self.engine.demand_life()
        return answer

    def _authority(self, service: Service) -> str | None:
        """The certificate authority stored beside the certificate of `service`, in PEM; None where there is none."""
        with engine_errors(f"reading the certificate authority of {service.name}"):
            try:
                chunks, _ = self.engine.client.api.get_archive(
                    self._find(service.name), f"{service.certificate}/{AUTHORITY}"
                )
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


def _http(service: Service) -> Port:
    if service.http is None:
        raise MissingError(f"the matrix gives {service.name} no port that speaks HTTP; expected `ports`")
    return service.http
