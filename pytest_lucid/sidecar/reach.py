"""Which addresses a container can connect to, tried from inside its network namespace. What that means is not judged.

Only TCP: a datagram that is not answered says nothing.
"""

from __future__ import annotations

from enum import Enum
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_lucid.sidecar.session import Session

# How long an answer may take; all are waited for side by side.
SECONDS = 3
# Nobody listens there; a machine that can be reached refuses it at once.
CLOSED_PORT = 1
# One process for each at a time, of the few that a container may have.
AT_ONCE = 8
TRY = (
    "for each in {endpoints}; do"
    " {{ said=$(nc -w {seconds} ${{each%,*}} ${{each#*,}} -e true 2>&1); echo $each $? $said; }} & done; wait"
)


class ConnectOutcome(Enum):
    """What came of a connection."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "no answer"
    UNREACHABLE = "no route"


# What busybox says, by what it means; the first that is found counts.
WORDS = {
    "refused": ConnectOutcome.REFUSED,
    "timed out": ConnectOutcome.SILENT,
    "unreachable": ConnectOutcome.UNREACHABLE,
    "No route": ConnectOutcome.UNREACHABLE,
    "Cannot assign requested address": ConnectOutcome.UNREACHABLE,
    "not permitted": ConnectOutcome.UNREACHABLE,
}


class SocketAddress(NamedTuple):
    """An IPv4 or IPv6 address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        """Return it as in a URL."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


CONTROL = SocketAddress("127.0.0.1", CLOSED_PORT)


def try_connections(session: Session, endpoints: Sequence[SocketAddress]) -> Mapping[SocketAddress, ConnectOutcome]:
    """Try to connect to each of `endpoints` from inside the container of `session`.

    Raises EngineError where an answer is not understood, or where not even a port of its own that nobody listens at
    is refused: then nothing can be judged.
    """
    wanted = list(dict.fromkeys((CONTROL, *endpoints)))
    groups = [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]
    found: dict[SocketAddress, ConnectOutcome] = {}
    for group in groups:
        said = session.run(TRY.format(endpoints=" ".join(map(_word, group)), seconds=SECONDS)).stdout.decode()
        found |= dict(_read(session.sidecar.target, line) for line in said.splitlines())
    missing = [str(endpoint) for endpoint in wanted if endpoint not in found]
    if missing or found[CONTROL] not in {ConnectOutcome.REFUSED, ConnectOutcome.OPEN}:
        raise EngineError(
            f"what {session.sidecar.target} can connect to cannot be seen; expected an answer of each port tried, "
            f"and of its own loopback; none of {', '.join(missing or [str(CONTROL)])}"
        )
    return {endpoint: found[endpoint] for endpoint in endpoints}


def _word(endpoint: SocketAddress) -> str:
    # An address goes into a shell's command.
    return f"{ip_address(endpoint.address)},{int(endpoint.port)}"


def _read(target: str, line: str) -> tuple[SocketAddress, ConnectOutcome]:
    """Read a line such as `10.0.0.2,80 1 nc: can't connect to remote host (10.0.0.2): Connection refused`."""
    where, code, *rest = line.split(maxsplit=2)
    address, _, port = where.rpartition(",")
    endpoint = SocketAddress(address, int(port))
    if code == "0":
        return endpoint, ConnectOutcome.OPEN
    said = "".join(rest)
    outcome = next((outcome for word, outcome in WORDS.items() if word in said), None)
    if outcome is None:
        raise EngineError(f"connecting to {endpoint} from {target}: not understood: {said or f'exit code {code}'}")
    return endpoint, outcome
