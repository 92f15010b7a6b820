"""How requests reach an engine: over connections that stay open, and once more after the tunnel was reopened."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docker.transport import UnixHTTPAdapter
from requests.adapters import BaseAdapter
from requests.exceptions import ConnectionError as RequestsConnectionError

from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    import docker
    from requests import PreparedRequest, Response

    from pytest_lucid.engine.tunnel import Tunnel


class Pooled(UnixHTTPAdapter):
    """The SDK's adapter for Unix sockets with one pool of connections; the SDK's own has one for each URL.

    A new connection is one more way there and back where the socket is forwarded from another machine.
    """

    def get_connection(self, url: str | bytes, proxies: Any = None) -> Any:
        """Return the one pool."""
        del url
        return super().get_connection("http+docker://localhost", proxies)


class Reconnecting(BaseAdapter):
    """Sends requests through a tunnel with another adapter, and once more after the tunnel was reopened."""

    def __init__(self, adapter: BaseAdapter, tunnel: Tunnel) -> None:
        super().__init__()
        self._adapter = adapter
        self._tunnel = tunnel

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Send it; raises EngineError when the host is lost, or its engine does not answer any more."""
        seen = self._tunnel.generation
        try:
            return self._adapter.send(request, *args, **kwargs)
        except RequestsConnectionError as error:
            if not self._tunnel.reconnect(seen):
                raise EngineError(
                    f"{self._tunnel.name}: SSH works, but the engine stopped answering. On the host, run "
                    "`sudo systemctl status docker`."
                ) from error
            if request.method not in {"GET", "HEAD"}:
                # What changes something may have been done already.
                raise
        self._adapter.close()
        return self._adapter.send(request, *args, **kwargs)

    def close(self) -> None:
        """Close the pooled connections."""
        self._adapter.close()


def demand_socket(url: str) -> None:
    """Raise OSError where `url` is that of a Unix socket at which nobody listens.

    The SDK would find out, too, and leave a socket of its own behind.
    """
    if url.startswith("unix:") and hasattr(socket, "AF_UNIX"):
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(urlsplit(url).path)


def mount(client: docker.DockerClient, tunnel: Tunnel | None, seconds: int, connections: int) -> None:
    """Have `client` keep up to `connections` open, through `tunnel` if there is one; each request has `seconds`."""
    base: str = client.api.base_url
    adapter = client.api.get_adapter(base)
    if isinstance(adapter, UnixHTTPAdapter):
        adapter = Pooled(f"http+unix://{adapter.socket_path}", seconds, max_pool_size=connections)
    client.api.mount(base, Reconnecting(adapter, tunnel) if tunnel else adapter)
