"""What the kernel tells of sockets over netlink: read from its messages, and asked for by the program itself."""

from __future__ import annotations

import os
import platform
import socket
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.sidecar import sock_diag

if TYPE_CHECKING:
    from pathlib import Path


def message(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<IHHII", 16 + len(body), kind, 2, 1, 0) + body


def answer(inode: int, *attributes: bytes, family: int = sock_diag.INET6) -> bytes:
    body = bytes([family]) + bytes(67) + struct.pack("<I", inode)
    return message(sock_diag.BY_FAMILY, body + b"".join(attributes))


SHUTDOWN = struct.pack("<HHB3x", 5, 8, 0)
BOTH, ONLY = (struct.pack("<HHB3x", 5, sock_diag.ONLY_IPV6, only) for only in (0, 1))
END = message(sock_diag.DONE, bytes(4))


def test_each_socket_has_its_own_answer() -> None:
    said = answer(7, SHUTDOWN, BOTH) + answer(8, ONLY, SHUTDOWN) + answer(9, SHUTDOWN, family=sock_diag.INET) + END
    assert [(each.inode, each.takes_ipv4) for each in sock_diag.read(said)] == [(7, True), (8, False), (9, None)]
    assert sock_diag.read(END) == []


@pytest.mark.parametrize(
    "said",
    [
        b"",
        answer(7, BOTH),
        answer(7, BOTH) + END[:8],
        message(sock_diag.ERROR, struct.pack("<i", -2)),
        message(sock_diag.DONE, struct.pack("<i", -95)),
        bytes(32),
        answer(7, struct.pack("<HH", 0, 0)),
    ],
    ids=["nothing", "no end", "cut", "refused", "failed", "zeros", "an attribute without length"],
)
def test_what_did_not_come_to_its_end_is_no_answer(said: bytes) -> None:
    with pytest.raises(ValueError, match="did not list"):
        sock_diag.read(said)


@pytest.mark.parametrize("request_name", sock_diag.REQUESTS)
def test_it_is_a_small_static_program(request_name: str) -> None:
    for architecture, machine in (("amd64", 62), ("arm64", 183)):
        program = sock_diag.program(architecture, request_name)
        assert program
        assert (program[:4], program[18]) == (b"\x7fELF", machine)
        assert sock_diag.REQUESTS[request_name] in program[-sock_diag.REQUEST_BYTES :]
        assert int.from_bytes(program[96:104], "little") == len(program) < 400
    assert sock_diag.preparation("riscv64", request_name) is None


def asked(folder: Path, request_name: str) -> list[sock_diag.Bound]:
    program = folder / request_name
    program.write_bytes(sock_diag.program("amd64", request_name) or b"")
    program.chmod(0o700)
    return sock_diag.read(subprocess.run([program], capture_output=True, check=True, timeout=10).stdout)


on_this_machine = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="runs a program for Linux on x86-64"
)


@on_this_machine
@pytest.mark.parametrize(("request_name", "kind"), [("datagrams", "SOCK_DGRAM"), ("listeners", "SOCK_STREAM")])
def test_the_kernel_tells_which_take_both(tmp_path: Path, request_name: str, kind: str) -> None:
    # More than one message holds.
    kept = []
    try:
        for number in range(300):
            made = socket.socket(socket.AF_INET6, getattr(socket, kind))
            kept.append(made)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, number % 2)
            try:
                made.bind(("::", 0))
            except OSError:
                pytest.skip("no IPv6 here")
            if kind == "SOCK_STREAM":
                made.listen()
        found = {each.inode: each for each in asked(tmp_path, request_name)}
        seen = [found[os.fstat(made.fileno()).st_ino] for made in kept]
        assert [each.takes_ipv4 for each in seen] == [True, False] * 150
        assert [each.port for each in seen] == [made.getsockname()[1] for made in kept]
        assert {str(each.address) for each in seen} == {"::"}
    finally:
        for made in kept:
            made.close()


@on_this_machine
def test_the_kernel_tells_listeners_of_ipv4_and_no_connections(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        found = {each.inode: each for each in asked(tmp_path, "listeners")}
        listener = found[os.fstat(server.fileno()).st_ino]
        assert (str(listener.address), listener.port) == server.getsockname()
        assert listener.takes_ipv4 is None
        assert os.fstat(client.fileno()).st_ino not in found
