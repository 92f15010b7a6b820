"""Sockets that wait for anybody, as the kernel tells `ss`: over netlink, see sock_diag(7).

No file of /proc holds whether a socket on `::` takes IPv4, too, and trying it would send the service a connection or a
datagram. Listeners of TCP come without its connections, however many there are. So a program asks, which writes the
kernel's messages to its output as they are. The kernel makes each message while the one before is read: once there is
none, there comes none.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from pytest_lucid.sidecar.program import bringing, executable

if TYPE_CHECKING:
    from collections.abc import Iterator

# As the session's shell reaches the memory of the sidecar from the root of the target; 9 is the toolbox.
FOLDER = "/proc/self/fd/9/../run"
DUMP = 0x301
BY_FAMILY, TCP_ALONE, ERROR, DONE = 20, 18, 2, 3
INET, INET6, UDP, UNCONNECTED, LISTENING = 2, 10, 17, 1 << 7, 1 << 10
ONLY_IPV6 = 11
REQUEST_BYTES = 76
# nlmsghdr, then inet_diag_req_v2 with an address that matches all; or the older inet_diag_req, which asks for both
# families of TCP at once.
REQUESTS = {
    "datagrams": struct.pack("<IHHII BBBBI 48x", 72, BY_FAMILY, DUMP, 1, 0, INET6, UDP, 0, 0, UNCONNECTED),
    "listeners": struct.pack("<IHHII 4x 48x I4x", 76, TCP_ALONE, DUMP, 1, 0, LISTENING),
}
HEADER = struct.Struct("<IHHII")
# inet_diag_msg: the family, the own port in the order of the network, the own address, and at its end the inode.
SOCKET = struct.Struct("<B3x2s2x16s44xI")
ATTRIBUTE = struct.Struct("<HH")
# By the engine's name of an architecture.
LISTINGS = {
    "amd64": (
        "bf 10000000"  # mov edi, 16          socket(AF_NETLINK,
        "be 03080000"  # mov esi, 2051          SOCK_RAW | SOCK_NONBLOCK,
        "ba 04000000"  # mov edx, 4             NETLINK_SOCK_DIAG
        "b8 29000000"  # mov eax, 41
        "0f05"  # syscall                     )
        "89c3"  # mov ebx, eax
        "89df"  # mov edi, ebx                write(socket, the request, 76)
        "488d3541000000"  # lea rsi, [rip+65]
        "ba 4c000000"  # mov edx, 76
        "b8 01000000"  # mov eax, 1
        "0f05"  # syscall
        "4881ec00800000"  # sub rsp, 32768
        "89df"  # again: mov edi, ebx         read(socket, stack, 32768)
        "4889e6"  # mov rsi, rsp
        "ba 00800000"  # mov edx, 32768
        "31c0"  # xor eax, eax
        "0f05"  # syscall
        "bf 01000000"  # mov edi, 1           write(1, stack, as many as were read)
        "89c2"  # mov edx, eax
        "b8 01000000"  # mov eax, 1
        "85d2"  # test edx, edx
        "7e07"  # jle end
        "4889e6"  # mov rsi, rsp
        "0f05"  # syscall
        "ebdb"  # jmp again
        "31ff"  # end: xor edi, edi           exit(0)
        "b8 3c000000"  # mov eax, 60
        "0f05"  # syscall
    ),
    "arm64": (
        "000280d2"  # mov x0, #16             socket(AF_NETLINK,
        "610081d2"  # mov x1, #2051             SOCK_RAW | SOCK_NONBLOCK,
        "820080d2"  # mov x2, #4                NETLINK_SOCK_DIAG
        "c81880d2"  # mov x8, #198
        "010000d4"  # svc #0                  )
        "f303002a"  # mov w19, w0
        "a1020010"  # adr x1, #84             write(socket, the request, 76)
        "820980d2"  # mov x2, #76
        "080880d2"  # mov x8, #64
        "010000d4"  # svc #0
        "ff2340d1"  # sub sp, sp, #8, lsl #12
        "e003132a"  # again: mov w0, w19      read(socket, stack, 32768)
        "e1030091"  # mov x1, sp
        "020090d2"  # mov x2, #32768
        "e80780d2"  # mov x8, #63
        "010000d4"  # svc #0
        "1f0000f1"  # cmp x0, #0
        "ed000054"  # b.le end
        "e20300aa"  # mov x2, x0              write(1, stack, as many as were read)
        "e1030091"  # mov x1, sp
        "200080d2"  # mov x0, #1
        "080880d2"  # mov x8, #64
        "010000d4"  # svc #0
        "f4ffff17"  # b again
        "000080d2"  # end: mov x0, #0         exit(0)
        "a80b80d2"  # mov x8, #93
        "010000d4"  # svc #0
    ),
}


@dataclass(frozen=True)
class Bound:
    """A socket, where it is bound, and for one of IPv6 whether it takes IPv4, too."""

    inode: int
    address: IPv4Address | IPv6Address
    port: int
    takes_ipv4: bool | None


def program(architecture: str, request: str) -> bytes | None:
    """Return the program as a static ELF executable; None for an architecture that it is not written for.

    `request` is the name of one of REQUESTS.
    """
    return executable(architecture, LISTINGS, REQUESTS[request].ljust(REQUEST_BYTES, b"\0"))


def preparation(architecture: str, request: str) -> str | None:
    """Return the shell command that has the program where `_ask_kernel` looks for it; None as `program`."""
    built = program(architecture, request)
    return f"{bringing(f'{FOLDER}/{request}', built)}true" if built else None


def read(said: bytes) -> list[Bound]:
    """Read the sockets from the kernel's messages.

    Raises ValueError where the kernel refused, or did not come to its end.
    """
    found: list[Bound] = []
    start = 0
    while start + HEADER.size <= len(said):
        length, kind, *_ = HEADER.unpack_from(said, start)
        body = said[start + HEADER.size : start + length]
        if kind == DONE and body == bytes(len(body)):
            return found
        if kind in {ERROR, DONE} or length < HEADER.size:
            break
        found.append(_socket(body))
        start += _aligned(length)
    raise ValueError("the kernel did not list its sockets over netlink (sock_diag)")


def _socket(body: bytes) -> Bound:
    family, port, address, inode = SOCKET.unpack_from(body)
    only = dict(_attributes(body[SOCKET.size :])).get(ONLY_IPV6)
    return Bound(
        inode,
        IPv4Address(address[:4]) if family == INET else IPv6Address(address),
        int.from_bytes(port, "big"),
        None if only is None else only == b"\0",
    )


def _attributes(body: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start + ATTRIBUTE.size <= len(body):
        length, kind = ATTRIBUTE.unpack_from(body, start)
        yield kind, body[start + ATTRIBUTE.size : start + length]
        start += max(_aligned(length), ATTRIBUTE.size)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
