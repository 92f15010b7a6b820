"""The ways from one container to another: straight to its addresses, and through what the host publishes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar.reach import CLOSED_PORT, ConnectOutcome, SocketAddress, try_connections

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_lucid.inspect.container import Container
    from pytest_lucid.matrix.reach import Peer
    from pytest_lucid.sidecar.session import Session

EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - read, not bound


@dataclass(frozen=True)
class Way:
    """A way to `peer`, and what came of it when it was tried from inside."""

    peer: Peer
    endpoint: SocketAddress
    through_host: bool
    outcome: ConnectOutcome

    @property
    def is_open(self) -> bool:
        """Whether it leads there: what refuses a connection has been reached, unless it is the host that refuses."""
        return self.outcome is ConnectOutcome.OPEN or (self.outcome is ConnectOutcome.REFUSED and not self.through_host)

    def __str__(self) -> str:
        """Return it for messages."""
        host = " through the host" if self.through_host else ""
        return f"{self.peer.name} at {self.endpoint}{host}: {self.outcome.value}"


@dataclass(frozen=True)
class ProbedPeer:
    """Whom to reach: the container that runs, a session inside, and the TCP ports to try there."""

    peer: Peer
    container: Container
    session: Session
    ports: tuple[int, ...]


def find_ways(source: Container, session: Session, wanted: Sequence[ProbedPeer]) -> tuple[Way, ...]:
    """Try every way from `source`, inside which `session` is, to each of `wanted`.

    Raises EngineError where one of them cannot reach even itself there.
    """
    tries = [each for destination in wanted for each in _tries(source, destination)]
    found = try_connections(session, [endpoint for _, endpoint, _ in tries])
    return tuple(Way(peer, endpoint, host, found[endpoint]) for peer, endpoint, host in tries)


def _tries(source: Container, destination: ProbedPeer) -> Iterator[tuple[Peer, SocketAddress, bool]]:
    peer, container = destination.peer, destination.container
    addresses = sorted({address for each in container.addresses.values() for address in each})
    straight = [SocketAddress(address, port) for address in addresses for port in destination.ports or (CLOSED_PORT,)]
    _demand_answers(destination, straight)
    yield from ((peer, endpoint, False) for endpoint in straight)
    for port, numbers in container.published.items():
        if port.endswith("/tcp") and (peer.port is None or port == f"{peer.port}/tcp"):
            hosts = _hosts(source, container.published_at[port])
            yield from ((peer, SocketAddress(host, number), True) for host in hosts for number in sorted(numbers))


def _hosts(source: Container, bound: frozenset[str]) -> list[str]:
    """The addresses of the host at which a port that is bound to `bound` may answer `source`."""
    gateways = source.gateways if bound & EVERYWHERE else frozenset[str]()
    return sorted({*gateways, *(each for each in bound - EVERYWHERE if not each.startswith("127.") and each != "::1")})


def _demand_answers(destination: ProbedPeer, endpoints: Sequence[SocketAddress]) -> None:
    # Nobody can tell a wall from a house in which nobody is.
    itself = try_connections(destination.session, endpoints)
    dead = [
        str(endpoint)
        for endpoint, outcome in itself.items()
        if outcome not in {ConnectOutcome.OPEN, ConnectOutcome.REFUSED}
    ]
    if dead or not endpoints:
        raise EngineError(
            f"{destination.peer.name} does not reach itself at {', '.join(dead) or 'any address'}, so who must not "
            "reach it cannot be judged; expected it on a network"
        )
