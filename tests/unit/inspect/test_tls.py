from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
import trustme

from pytest_lucid.errors import EngineError
from pytest_lucid.inspect.tls import read_tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AUTHORITY = trustme.CA()
PEM = AUTHORITY.cert_pem.bytes().decode()


@contextmanager
def served(handle: Callable[[socket.socket], object]) -> Iterator[int]:
    """Serve on loopback, one connection after the other; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        handle(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@contextmanager
def tls_server(
    configure: Callable[[ssl.SSLContext], object] = lambda _: None,
    names: tuple[str, ...] = ("localhost",),
    expires: dt.datetime | None = None,
) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*names, not_after=expires).configure_cert(context)
    configure(context)
    with served(lambda connection: context.wrap_socket(connection, server_side=True).close()) as port:
        yield port


def strict(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")


def test_strict_server_refuses_what_is_old_or_weak() -> None:
    with tls_server(strict, ("localhost", "127.0.0.1")) as port:
        found = read_tls("127.0.0.1", port, PEM)
    assert found.distrust == ""
    assert found.certificate.names == {"localhost", "127.0.0.1"}
    assert {hello.suite for hello in (*found.old.values(), found.weak)} == {None}


def test_server_of_tls_1_3_only_is_judged() -> None:
    def newest(context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_3

    with tls_server(newest) as port:
        found = read_tls("127.0.0.1", port, PEM)
    assert {hello.suite for hello in (*found.old.values(), found.weak)} == {None}


@pytest.mark.parametrize("ciphers", ["ECDHE+AES+SHA256", "AES128-SHA", "ECDHE+AES:@SECLEVEL=0"])
def test_weak_suites_are_seen(ciphers: str) -> None:
    def weak(context: ssl.SSLContext) -> None:
        context.set_ciphers(f"{ciphers}:ECDHE+AESGCM")

    # A key of RSA, because some of them need one.
    certificate = AUTHORITY.issue_cert("localhost", key_type=trustme.KeyType.RSA)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    weak(context)
    with served(lambda connection: context.wrap_socket(connection, server_side=True).close()) as port:
        found = read_tls("127.0.0.1", port, PEM)
    assert found.weak.suite is not None
    assert "takes suite 0x" in str(found.weak)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_are_seen() -> None:
    def old(context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")

    with tls_server(old) as port:
        found = read_tls("127.0.0.1", port, PEM)
    if ssl.HAS_TLSv1_1:
        assert found.old["TLS 1.1"].suite is not None
        assert found.old["TLS 1.0"].version == 0x0301
    assert found.old["SSL 3.0"].suite is None


def test_another_authority_is_distrusted() -> None:
    with tls_server(strict) as port:
        found = read_tls("127.0.0.1", port, trustme.CA().cert_pem.bytes().decode())
    assert "issuer" in found.distrust or "self" in found.distrust


def test_expired_certificate_is_distrusted_and_told() -> None:
    expired = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
    with tls_server(strict, expires=expired) as port:
        found = read_tls("127.0.0.1", port, PEM)
    assert "expired" in found.distrust
    assert abs(found.certificate.expires - expired) < dt.timedelta(seconds=1)


def test_server_that_takes_nothing_strong_cannot_be_judged() -> None:
    def weak_only(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE+AES+SHA256")

    with tls_server(weak_only) as port, pytest.raises(EngineError, match="refuses strong suites"):
        read_tls("127.0.0.1", port, PEM)


def talk_http(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_what_is_not_tls_cannot_be_judged() -> None:
    with (
        served(talk_http) as port,
        pytest.raises(EngineError, match="neither takes nor refuses"),
    ):
        read_tls("127.0.0.1", port, PEM)


def test_closed_port_cannot_be_judged() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(EngineError, match="no TLS"):
        read_tls("127.0.0.1", port, PEM)
