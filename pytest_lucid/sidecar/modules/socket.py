"""testinfra's Socket, from the kernel's tables of the target's network namespace."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from testinfra.modules.socket import Socket

from pytest_lucid.errors import EngineError
from pytest_lucid.sidecar import sock_diag
from pytest_lucid.sidecar.listeners import WAITING, read_address
from pytest_lucid.sidecar.modules.base import SidecarModule

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTED = "01"
UNIX_STREAM, UNIX_LISTENING, UNIX_CONNECTED = "0001", 0x10000, "03"
IPV4_ANY, IPV6_ANY = IPv4Address(0), IPv6Address(0)


@dataclass(frozen=True)
class SocketEntry:
    """One line of a table: where it is bound, and where it is connected to."""

    protocol: str
    state: str
    address: IPv4Address | IPv6Address
    port: int
    peer: IPv4Address | IPv6Address
    peer_port: int
    inode: int

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for anybody."""
        return self.state == WAITING[self.protocol]


class SidecarSocket(SidecarModule, Socket):
    """Sockets of every kind. testinfra's own answers are wrong for addresses behind a wildcard, and for IPv6 alone."""

    @property
    def is_listening(self) -> bool:
        """Whether something listens at the address itself, or at all addresses of its family.

        A socket without an address is listening if it does so on all addresses of both families. Raises EngineError
        where the kernel does not tell whether a UDP socket on `::` takes IPv4.
        """
        if self.protocol == "unix":
            return ("unix", self.host) in self._iter_sockets(listening=True)
        listeners = self._listeners() if self.protocol == "tcp" else None
        if self.host is None:
            bound = self._at_port(self._endpoints(self.protocol) if listeners is None else listeners)
            return any(each.address == IPV6_ANY for each in bound) and self._takes(IPV4_ANY, bound)
        address = ip_address(self.host)
        if listeners is not None:
            return self._takes(address, self._at_port(listeners))
        # Each table costs the kernel a millisecond; mostly the first one holds the answer.
        if self._takes(address, self._at_port(self._endpoints(f"{self.protocol}{address.version}"))):
            return True
        return address.version == IPV4_ANY.version and self._takes(
            address, self._at_port(self._endpoints(f"{self.protocol}6"))
        )

    def _at_port(self, found: list[SocketEntry]) -> list[SocketEntry]:
        return [each for each in found if each.is_waiting and each.port == int(self.port)]

    def _takes(self, address: IPv4Address | IPv6Address, bound: list[SocketEntry]) -> bool:
        wildcard = IPV4_ANY if address.version == IPV4_ANY.version else IPV6_ANY
        if any(_unmapped(each.address) in {address, wildcard} for each in bound):
            return True
        both = [each for each in bound if each.address == IPV6_ANY and wildcard == IPV4_ANY]
        return any(self._takes_ipv4(each) for each in both)

    def _takes_ipv4(self, endpoint: SocketEntry) -> bool:
        """Whether a socket on `::` takes IPv4, too; asked once. Where the kernel does not tell, TCP is tried."""
        known: dict[int, bool] = self._host.backend.takes_ipv4
        if endpoint.inode not in known and endpoint.protocol == "tcp":
            self._listeners()
            if endpoint.inode not in known:
                known[endpoint.inode] = self.session().run(f"_connects 127.0.0.1 {endpoint.port}").code == 0
        elif endpoint.inode not in known:
            self._learn_datagrams(endpoint)
        return known[endpoint.inode]

    def _learn_datagrams(self, endpoint: SocketEntry) -> None:
        try:
            self._ask_kernel("datagrams")
            said = "it was closed meanwhile"
        except ValueError as error:
            said = str(error)
        if endpoint.inode not in self._host.backend.takes_ipv4:
            raise EngineError(
                f"whether the UDP socket on [::]:{endpoint.port} takes IPv4 cannot be seen from the sidecar ({said}); "
                f"ask for udp://:::{endpoint.port}."
            )

    def _listeners(self) -> list[SocketEntry] | None:
        """What listens for TCP, without its connections; None where the kernel does not tell."""
        try:
            listeners = self._ask_kernel("listeners")
        except ValueError:
            return None
        return [
            SocketEntry("tcp", WAITING["tcp"], each.address, each.port, IPV4_ANY, 0, each.inode) for each in listeners
        ]

    def _ask_kernel(self, request: str) -> list[sock_diag.Bound]:
        """Ask over netlink, and remember which sockets take IPv4; raises ValueError where there is no answer."""
        session = self.session()
        answer = session.run(f"_ask_kernel {request}")
        if answer.code:
            prepare = sock_diag.preparation(session.sidecar.engine.architecture, request)
            if prepare is None:
                raise ValueError(f"no program asks it on {session.sidecar.engine.architecture}")
            session.run(prepare)
            answer = session.run(f"_ask_kernel {request}")
        if answer.code:
            raise ValueError(answer.stderr.decode("utf-8", "replace").strip())
        sockets = sock_diag.read(answer.stdout)
        known: dict[int, bool] = self._host.backend.takes_ipv4
        known.update({each.inode: each.takes_ipv4 for each in sockets if each.takes_ipv4 is not None})
        return sockets

    def _iter_sockets(self, listening: bool) -> Iterator[tuple[Any, ...]]:  # noqa: FBT001 - testinfra's signature
        if self.protocol in {None, "unix"}:
            yield from self._unix(listening=listening)
        for endpoint in self._endpoints(self.protocol) if self.protocol != "unix" else ():
            here = endpoint.protocol, _text(endpoint.address), endpoint.port
            if listening and endpoint.is_waiting:
                yield here
                if endpoint.address == IPV6_ANY and self._takes_ipv4(endpoint):
                    yield endpoint.protocol, str(IPV4_ANY), endpoint.port
            elif not listening and endpoint.state == CONNECTED:
                yield (*here, _text(endpoint.peer), endpoint.peer_port)

    @property
    def clients(self) -> list[tuple[str, int] | None]:
        """The address and port of each connection to the socket; None for each of a unix socket."""
        sockets = list(self._iter_sockets(listening=False))
        if self.protocol == "unix":
            return [None for socket in sockets if socket == ("unix", self.host)]
        host = None if self.host is None else ip_address(self.host)
        return [
            (peer, peer_port)
            for _, address, port, peer, peer_port in sockets
            if port == int(self.port)
            and (
                host is None
                or host in {ip_address(address), ip_address(peer)}
                or (host in {IPV4_ANY, IPV6_ANY} and host.version == ip_address(peer).version)
            )
        ]

    def _unix(self, *, listening: bool) -> Iterator[tuple[str, str]]:
        for line in self._table("unix"):
            _, _, _, _, flags, kind, state, _, *path = line.split(None, 8)
            if kind != UNIX_STREAM or not path:
                continue
            if (listening and int(flags, 16) & UNIX_LISTENING) or (not listening and state == UNIX_CONNECTED):
                yield "unix", path[0]

    def _endpoints(self, protocol: str | None) -> list[SocketEntry]:
        found = []
        for line in self._table(protocol or "tcp udp"):
            table, _, here, there, state, _, _, _, _, _, inode, *_ = line.split()
            (address, port), (peer, peer_port) = (word.split(":") for word in (here, there))
            found.append(
                SocketEntry(
                    table.removesuffix("6"),
                    state,
                    read_address(address),
                    int(port, 16),
                    read_address(peer),
                    int(peer_port, 16),
                    int(inode),
                )
            )
        return found

    def _table(self, kinds: str) -> list[str]:
        answer = self.session().run(f"_sockets {kinds}")
        if answer.code:
            said = answer.stderr.decode("utf-8", "replace").strip()
            raise EngineError(f"the sockets of {self.session().sidecar.target} cannot be seen ({said})")
        return answer.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return getattr(address, "ipv4_mapped", None) or address


def _text(address: IPv4Address | IPv6Address) -> str:
    mapped = getattr(address, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(address)
