"""Which UDP sockets on `::` take IPv6 alone, as the kernel tells `ss`: over netlink, see sock_diag(7).

No file of /proc holds it, and unlike with TCP, trying it would send the service a datagram. So a program asks, which
writes the kernel's messages to its output as they are. The kernel makes each message while the one before is read:
once there is none, there comes none.
"""

from __future__ import annotations

import struct

from pytest_lucid.sidecar.program import bringing, executable

# As the session's shell reaches the memory of the sidecar from the root of the target; 9 is the toolbox.
PATH = "/proc/self/fd/9/../run/datagrams"
DUMP = 0x301
BY_FAMILY, ERROR, DONE = 20, 2, 3
INET6, UDP, UNCONNECTED = 10, 17, 1 << 7
ONLY_IPV6 = 11
# nlmsghdr, then inet_diag_req_v2 with an address that matches all.
REQUEST = struct.pack("<IHHII BBBBI 48x", 72, BY_FAMILY, DUMP, 1, 0, INET6, UDP, 0, 0, UNCONNECTED)
HEADER = struct.Struct("<IHHII")
# inet_diag_msg: the inode is the last field.
SOCKET = struct.Struct("<68xI")
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
        "89df"  # mov edi, ebx                write(socket, REQUEST, 72)
        "488d3541000000"  # lea rsi, [rip+65]
        "ba 48000000"  # mov edx, 72
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
        "a1020010"  # adr x1, #84             write(socket, REQUEST, 72)
        "020980d2"  # mov x2, #72
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


def program(architecture: str) -> bytes | None:
    """Return the program as a static ELF executable; None for an architecture that it is not written for."""
    return executable(architecture, LISTINGS, REQUEST)


def command(architecture: str) -> str | None:
    """Return the shell command that asks, inside a session; None as `program`."""
    built = program(architecture)
    return f"{bringing(PATH, built)}{PATH}" if built else None


def read_families(said: bytes) -> dict[int, bool]:
    """Read from the kernel's messages: inode → whether that socket takes IPv4, too.

    Raises ValueError where the kernel refused, or did not come to its end.
    """
    takes_ipv4: dict[int, bool] = {}
    start = 0
    while start + HEADER.size <= len(said):
        length, kind, *_ = HEADER.unpack_from(said, start)
        if kind == DONE:
            return takes_ipv4
        if kind == ERROR or length < HEADER.size:
            break
        body = said[start + HEADER.size : start + length]
        (inode,) = SOCKET.unpack_from(body)
        only = dict(_attributes(body[SOCKET.size :])).get(ONLY_IPV6)
        if only is not None:
            takes_ipv4[inode] = only == b"\0"
        start += _aligned(length)
    raise ValueError("the kernel did not list its UDP sockets over netlink (sock_diag)")


def _attributes(body: bytes) -> list[tuple[int, bytes]]:
    found = []
    start = 0
    while start + ATTRIBUTE.size <= len(body):
        length, kind = ATTRIBUTE.unpack_from(body, start)
        found.append((kind, body[start + ATTRIBUTE.size : start + length]))
        start += max(_aligned(length), ATTRIBUTE.size)
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3
