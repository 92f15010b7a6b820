"""What listens in a container's network namespace, as the kernel tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from pytest_lucid.engine.shell_protocol import Result

TABLES = ("tcp", "tcp6", "udp", "udp6")
COMMAND = r"""
for table in tcp tcp6 udp udp6; do cat /proc/net/$table; printf '\036'; done 2>/dev/null
for process in /proc/[0-9]*; do [ $process/ns/mnt -ef /proc/self/ns/mnt ] || ls -l $process/fd; done 2>/dev/null
"""
# In TCP's table the state LISTEN; in UDP's a socket that is connected to nobody.
WAITING = {"tcp": "0A", "udp": "07"}
# Docker's name server: it listens in the namespace of every container on a network, and belongs to the engine.
ENGINE_RESOLVER = IPv4Address("127.0.0.11")


@dataclass(frozen=True)
class Listener:
    """A socket that waits for anybody: `tcp` or `udp`, its address and port."""

    protocol: str
    address: IPv4Address | IPv6Address
    port: int

    @property
    def is_reachable(self) -> bool:
        """Whether it can be reached from outside the container."""
        mapped = getattr(self.address, "ipv4_mapped", None)
        return not (mapped or self.address).is_loopback

    def __str__(self) -> str:
        """Return it as in a URL, for messages."""
        return f"{self.protocol}://{self.address}:{self.port}"


def read_listeners(target: str, said: Result) -> tuple[Listener, ...]:
    """Read what listens inside, but for the engine's own resolver, from the answer to COMMAND.

    Raises EngineError if the tables are not seen.
    """
    *tables, descriptors = said.stdout.decode("utf-8", "replace").split("\x1e")
    if len(tables) != len(TABLES) or "local_address" not in tables[0] or "local_address" not in tables[2]:
        raise EngineError(f"the sockets of {target} cannot be seen; expected the kernel's tables")
    owned = frozenset(map(int, re.findall(r"-> socket:\[(\d+)\]", descriptors)))
    return tuple(
        listener
        for name, table in zip(TABLES, tables, strict=True)
        for inode, listener in parse(name.removesuffix("6"), table)
        if listener.address != ENGINE_RESOLVER or inode in owned
    )


def parse(protocol: str, table: str) -> list[tuple[int, Listener]]:
    """Return inode and listener of each waiting socket in one of the kernel's tables."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == WAITING[protocol]:
            word, port = fields[1].split(":")
            found.append((int(fields[9]), Listener(protocol, read_address(word), int(port, 16))))
    return found


def read_address(word: str) -> IPv4Address | IPv6Address:
    """Read an address as the kernel prints it: words of four bytes, each in the order of little-endian machines."""
    data = bytes.fromhex(word)
    return ip_address(b"".join(data[start : start + 4][::-1] for start in range(0, len(data), 4)))
