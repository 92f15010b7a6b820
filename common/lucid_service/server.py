"""Runs an application on its listeners, registered while they accept, until the process gets a signal to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import uvicorn

from lucid_service.head import LARGEST_HEAD
from lucid_service.protocol import protocol_of
from lucid_service.registration import Registrar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.applications import Starlette

    from lucid_service.config import Config, Tls

GRACE = 3
"""Seconds that requests under way get at a stop. With two calls to Consul that stays well below Docker's 10 s."""
_RESOLVER_THREADS = 16
"""Names of containers that are gone resolve slowly, each in a thread; they must not keep the others waiting."""
MOST_CONNECTIONS = 512
"""Of the listener for HTTP; an idle one takes 6 KiB."""
MOST_TLS_CONNECTIONS = 128
"""Of the listener for HTTPS, handshakes included; each takes 600 KiB, for the buffers of asyncio's TLS."""

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: forward secrecy and authenticated encryption only, as RFC 9325 recommends; those of TLS 1.3 have both."""

_logger = logging.getLogger(__name__)


class Listener(uvicorn.Server):
    """One listening socket; says when it accepts, and leaves the signals of the process alone."""

    def __init__(
        self,
        app: Starlette,
        sock: socket.socket,
        protocol: type[asyncio.Protocol],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE,
                ssl_context_factory=None if tls is None else lambda _config, _default: tls,
            )
        )
        self.accepting = asyncio.Event()
        self.port: int = sock.getsockname()[1]
        self._socket = sock

    async def listen(self) -> None:
        """Serve until `should_exit` is set and the requests under way are done, or GRACE seconds have passed."""
        await self.serve(sockets=[self._socket])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then say so."""
        await super().startup(sockets)
        self.accepting.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: two listeners share one process, and deregistering comes before either stops."""
        yield


def run(app: Starlette, config: Config) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code of the process."""
    try:
        asyncio.run(_until_signalled(app, config))
    except OSError as error:
        _logger.error("cannot listen: %s", error)  # noqa: TRY400  the reason is in the message, a traceback adds nothing
        return 1
    return 0


async def serve(app: Starlette, config: Config, stopping: asyncio.Event) -> None:
    """Serve `app` on every listener of `config` until `stopping` is set: deregister, then finish what is under way.

    Raises OSError if a port cannot be bound.
    """
    listeners = _listeners(app, config)
    async with app.router.lifespan_context(app), asyncio.TaskGroup() as group:
        for listener in listeners:
            group.create_task(listener.listen())
        for listener in listeners:
            await listener.accepting.wait()
            _logger.info("listening on port %d", listener.port)
        await Registrar(config, listeners[0].port).run(stopping)
        for listener in listeners:
            listener.should_exit = True


def _listeners(app: Starlette, config: Config) -> list[Listener]:
    protocol = protocol_of(config)
    listeners = [Listener(app, _bind(config.host, config.port, MOST_CONNECTIONS), protocol)]
    if config.tls is not None and (context := _tls_context(config.tls)):
        listeners.append(Listener(app, _bind(config.host, config.tls.port, MOST_TLS_CONNECTIONS), protocol, context))
    return listeners


class _Bounded(socket.socket):
    """A listening socket that closes at once what comes beyond `most` connections."""

    def __init__(self, fileno: int, most: int) -> None:
        super().__init__(fileno=fileno)
        self._most = most
        self._accepted: WeakSet[socket.socket] = WeakSet()

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        if sum(one.fileno() >= 0 for one in self._accepted) >= self._most:
            connection.close()
            # What asyncio takes for a client that is gone already.
            raise ConnectionAbortedError
        self._accepted.add(connection)
        return connection, address


def _bind(host: str, port: int, most: int) -> socket.socket:
    try:
        return _Bounded(socket.create_server((host, port)).detach(), most)
    except OSError as error:
        raise OSError(f"port {port}: {error.strerror}") from error


def _tls_context(tls: Tls) -> ssl.SSLContext | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    try:
        # Without a password OpenSSL would ask the terminal for that of an encrypted key.
        context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    except OSError as error:
        _logger.error(  # noqa: TRY400  the reason is in the message, a traceback adds nothing
            "no HTTPS on port %d: certificate %s with key %s: %s", tls.port, tls.cert_file, tls.key_file, error
        )
        return None
    return context


async def _until_signalled(app: Starlette, config: Config) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_RESOLVER_THREADS, "resolver"))
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(stopping.set))
    await serve(app, config, stopping)
