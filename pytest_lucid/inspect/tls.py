"""The TLS of one port: its certificate, and what a server takes that should refuse it. It judges nothing."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from pytest_lucid.errors import EngineError
from pytest_lucid.inspect.tls_hello import (
    NEW_SUITES,
    OLD_VERSIONS,
    STRONG_SUITES,
    TLS_1_2,
    TLS_1_3,
    WEAK_SUITES,
    Hello,
    offer,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Certificate:
    """Whose it is (`names`: DNS names and addresses), and when it ends."""

    names: frozenset[str]
    expires: dt.datetime


@dataclass(frozen=True)
class Tls:
    """What the port `number` does: `distrust` says why its chain does not lead to the authority, or nothing.

    `old` are the answers to a client that speaks no newer version, by the version's name; `weak` is the answer to one
    that has weak cipher suites only.
    """

    number: int
    distrust: str
    certificate: Certificate
    old: Mapping[str, Hello]
    weak: Hello


def read_tls(address: str, port: int, authority: str | None) -> Tls:
    """Connect several times; the chain is verified against the PEM certificate `authority`, or the system's.

    Raises EngineError where nothing speaks TLS there: nothing can be judged then.
    """
    try:
        if offer(address, port, TLS_1_3, NEW_SUITES + STRONG_SUITES).suite is None:
            # A refusal of what is old or weak says something only of a server that takes what is neither.
            raise EngineError(
                f"{address}:{port}: refuses strong suites of TLS 1.2 and 1.3, too; expected it to take one"
            )
        return Tls(
            port,
            _distrust(address, port, authority),
            _certificate(address, port),
            {
                name: offer(address, port, version, STRONG_SUITES + WEAK_SUITES)
                for name, version in OLD_VERSIONS.items()
            },
            offer(address, port, TLS_1_2, WEAK_SUITES),
        )
    except OSError as error:
        raise EngineError(f"{address}:{port}: no TLS: {str(error) or type(error).__name__}") from error


def _distrust(address: str, port: int, authority: str | None) -> str:
    context = ssl.create_default_context(cadata=authority)
    # Whether the names are right is a question of its own.
    context.check_hostname = False
    try:
        _handshake(address, port, context)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return ""


def _certificate(address: str, port: int) -> Certificate:
    context = ssl.create_default_context()
    context.check_hostname = False
    # To read a certificate that does not hold, either.
    context.verify_mode = ssl.CERT_NONE
    found = x509.load_der_x509_certificate(_handshake(address, port, context))
    try:
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Certificate(frozenset(), found.not_valid_after_utc)
    names = (*alternatives.get_values_for_type(x509.DNSName), *alternatives.get_values_for_type(x509.IPAddress))
    return Certificate(frozenset(map(str, names)), found.not_valid_after_utc)


def _handshake(address: str, port: int, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection((address, port), TIMEOUT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=address) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""
