"""What the kernel tells of UDP sockets on `::`: read from its messages, and asked for by the program itself."""

from __future__ import annotations

import os
import platform
import socket
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_lucid.sidecar import datagrams

if TYPE_CHECKING:
    from pathlib import Path


def message(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<IHHII", 16 + len(body), kind, 2, 1, 0) + body


def told(inode: int, *attributes: bytes) -> bytes:
    return message(datagrams.BY_FAMILY, bytes(68) + struct.pack("<I", inode) + b"".join(attributes))


SHUTDOWN = struct.pack("<HHB3x", 5, 8, 0)
BOTH, ONLY = (struct.pack("<HHB3x", 5, datagrams.ONLY_IPV6, only) for only in (0, 1))
END = message(datagrams.DONE, bytes(4))


def test_each_socket_has_its_own_answer() -> None:
    said = told(7, SHUTDOWN, BOTH) + told(8, ONLY, SHUTDOWN) + told(9, SHUTDOWN) + END
    assert datagrams.read_families(said) == {7: True, 8: False}
    assert datagrams.read_families(END) == {}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        told(7, BOTH),
        told(7, BOTH) + END[:8],
        message(datagrams.ERROR, struct.pack("<i", -2)),
        bytes(32),
        told(7, struct.pack("<HH", 0, 0)),
    ],
    ids=["nothing", "no end", "cut", "refused", "zeros", "an attribute without length"],
)
def test_what_did_not_come_to_its_end_is_no_answer(said: bytes) -> None:
    with pytest.raises(ValueError, match="did not list"):
        datagrams.read_families(said)


def test_it_is_a_small_static_program() -> None:
    for architecture, machine in (("amd64", 62), ("arm64", 183)):
        program = datagrams.program(architecture)
        assert program
        assert (program[:4], program[18]) == (b"\x7fELF", machine)
        assert program.endswith(datagrams.REQUEST)
        assert int.from_bytes(program[96:104], "little") == len(program) < 400
    assert datagrams.command("riscv64") is None


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="runs a program for Linux on x86-64"
)
def test_the_kernel_tells_which_take_both(tmp_path: Path) -> None:
    program = tmp_path / "datagrams"
    program.write_bytes(datagrams.program("amd64") or b"")
    program.chmod(0o700)
    # More than one message holds.
    kept = []
    for number in range(300):
        made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        kept.append(made)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, number % 2)
        try:
            made.bind(("::", 0))
        except OSError:
            pytest.skip("no IPv6 here")
    try:
        done = subprocess.run([program], capture_output=True, check=True, timeout=10)
        found = datagrams.read_families(done.stdout)
        assert [found[os.fstat(made.fileno()).st_ino] for made in kept] == [True, False] * 150
    finally:
        for made in kept:
            made.close()
