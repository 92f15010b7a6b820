"""The first message of a TLS client, and what a server says to it.

Written out because the library of this machine knows few of the old versions and weak cipher suites: it could not ask
for them, and the report would say "refused" of a server that received nothing. Numbers: IANA, RFC 5246 and 8446.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from pytest_lucid.errors import EngineError

TIMEOUT_SECONDS = 5.0
TLS_1_2, TLS_1_3 = 0x0303, 0x0304
OLD_VERSIONS = {"SSL 3.0": 0x0300, "TLS 1.0": 0x0301, "TLS 1.1": 0x0302}
# Forward secrecy and authenticated encryption: what RFC 9325, 4.2, recommends, and its kin with DHE, CCM and ChaCha20.
STRONG_SUITES = (
    *(0xC02B, 0xC02C, 0xC02F, 0xC030),  # ECDHE with AES-GCM
    *(0xCCA8, 0xCCA9, 0xCCAA),  # ECDHE and DHE with ChaCha20
    *(0x009E, 0x009F),  # DHE with AES-GCM
    *(0xC09E, 0xC09F, 0xC0A2, 0xC0A3, 0xC0AC, 0xC0AD, 0xC0AE, 0xC0AF),  # DHE and ECDHE with AES-CCM
)
NEW_SUITES = (0x1301, 0x1302, 0x1303)  # those of TLS 1.3, all strong
# Every other number that IANA has given away below TLS 1.3, and some that it has not, which no server takes.
WEAK_SUITES = tuple(
    suite
    for first, last in ((0x0000, 0x00C5), (0xC001, 0xC0B5), (0xCCA8, 0xCCAE))
    for suite in range(first, last + 1)
    if suite not in STRONG_SUITES
)
HANDSHAKE, ALERT = 22, 21
CLIENT_HELLO, SERVER_HELLO = 1, 2
HEADER_BYTES = 5
# A record is at most 16 KiB, and some more for what encryption adds.
LARGEST_RECORD = 18 * 1024
# handshake_failure, protocol_version, insufficient_security: no common suite, or no common version.
REFUSALS = frozenset((40, 70, 71))


@dataclass(frozen=True)
class Hello:
    """A server's answer: the version and the suite that it takes, or None where it refuses."""

    version: int | None = None
    suite: int | None = None

    def __str__(self) -> str:
        """Return the answer in a few words, for messages."""
        return "refused" if self.suite is None else f"takes suite 0x{self.suite:04X} of version 0x{self.version:04X}"


def offer(address: str, port: int, version: int, suites: tuple[int, ...]) -> Hello:
    """Say hello with `version` as the newest and `suites` as all there is.

    Raises OSError where there is no connection or no answer in time, EngineError where it is not one of TLS.
    """
    with socket.create_connection((address, port), TIMEOUT_SECONDS) as connection:
        connection.sendall(client_hello(version, suites))
        try:
            header = _receive(connection, HEADER_BYTES)
            if header[0] not in {HANDSHAKE, ALERT}:
                raise EngineError(f"{address}:{port} neither takes nor refuses, but says {header!r}; expected TLS")
            body = _receive(connection, min(int.from_bytes(header[3:5], "big"), LARGEST_RECORD))
        except ConnectionError:
            # Servers on asyncio close without the alert: https://github.com/python/cpython/issues/98078 and others.
            return Hello()
    return read_answer(header[0], body, f"{address}:{port}")


def client_hello(version: int, suites: tuple[int, ...]) -> bytes:
    """Return the record with the message."""
    extensions = [
        _extension(10, _numbers(29, 23, 24, 25, 256)),  # groups
        _extension(11, _list(1, b"\x00")),  # formats of points: uncompressed
        # Signatures with ECDSA, RSA-PSS and RSA; SHA-512 down to SHA-1.
        _extension(
            13, _numbers(*(0x0603, 0x0503, 0x0403, 0x0806, 0x0805, 0x0804, 0x0601, 0x0501, 0x0401, 0x0203, 0x0201))
        ),
        _extension(0xFF01, _list(1)),  # secure renegotiation
    ]
    if version == TLS_1_3:
        # Without a key share of its own; the server asks for one, and has taken version and suite.
        extensions += [
            _extension(43, _list(1, *(n.to_bytes(2, "big") for n in (TLS_1_3, TLS_1_2)))),
            _extension(51, _list(2)),
        ]
    legacy = min(version, TLS_1_2)
    body = b"".join(
        (
            legacy.to_bytes(2, "big"),
            os.urandom(32),
            _list(1),  # no session
            _numbers(*suites),
            _list(1, b"\x00"),  # no compression
            _list(2, *extensions),
        )
    )
    message = bytes((CLIENT_HELLO,)) + _list(3, body)
    return bytes((HANDSHAKE,)) + min(legacy, 0x0301).to_bytes(2, "big") + _list(2, message)


def read_answer(kind: int, body: bytes, where: str) -> Hello:
    """Read the first record of a server: its type and content; `where` is named where it is not understood."""
    if kind == ALERT and len(body) == len("21") and body[1] in REFUSALS:
        return Hello()
    if kind == HANDSHAKE and body[:1] == bytes((SERVER_HELLO,)) and len(body) > 4 + 2 + 32:
        session = body[38]
        return Hello(int.from_bytes(body[4:6], "big"), int.from_bytes(body[39 + session : 41 + session], "big"))
    raise EngineError(f"{where} neither takes nor refuses: record {kind}, {body[:8].hex()}; expected TLS")


def _extension(number: int, content: bytes) -> bytes:
    return number.to_bytes(2, "big") + _list(2, content)


def _numbers(*numbers: int) -> bytes:
    return _list(2, *(number.to_bytes(2, "big") for number in numbers))


def _list(length_bytes: int, *items: bytes) -> bytes:
    content = b"".join(items)
    return len(content).to_bytes(length_bytes, "big") + content


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        more = connection.recv(count - len(received))
        if not more:
            raise ConnectionResetError("the connection was closed before an answer")
        received += more
    return received
