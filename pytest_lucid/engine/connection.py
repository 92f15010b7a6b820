"""The connection to a container engine. What is done over it belongs to the other modules."""

from __future__ import annotations

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import docker
import requests
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from pytest_lucid.config.hosts import LOCAL, destination
from pytest_lucid.engine import ssh, transport
from pytest_lucid.engine.endpoint import endpoint, is_loopback
from pytest_lucid.engine.tunnel import Tunnel
from pytest_lucid.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.engine.endpoint import Endpoint

LOOPBACK = "127.0.0.1"
# Creating a container on a busy Pi can take a while; a connection that hangs longer is broken.
REQUEST_TIMEOUT_SECONDS = 60
FIRST_API = "1.40"
# What an error is about where the engine itself is silent.
THE_ENGINE = "the engine"
# As many as may ask at the same time when facts are gathered.
POOLED_CONNECTIONS = 32


@dataclass(frozen=True)
class Defaults:
    """What the engine gives a container that asks for nothing: runtime, log driver, version of control groups."""

    runtime: str = "runc"
    logging: str = "json-file"
    cgroups: str = "2"


@dataclass(frozen=True)
class Engine:
    """A reachable engine: where it is, what it is, and where its published ports answer.

    `clock` is how far the host's clock is ahead of this machine's, in seconds, give or take the time of one request.
    An engine that cannot limit memory starts a container without the limit that was asked for.
    """

    client: docker.DockerClient
    url: str
    address: str
    identity: str
    version: str
    api: tuple[int, int]
    architecture: str
    clock: float
    host: str = LOCAL
    tunnel: Tunnel | None = None
    defaults: Defaults = Defaults()
    limits_memory: bool = True
    is_rootless: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the engine shares this machine's ports."""
        return self.url.startswith(("unix:", "npipe:"))

    @property
    def binding(self) -> str:
        """The address on the engine's host at which ports have to be published so that they answer here."""
        return LOOPBACK if self.is_local or is_loopback(self.url) else "0.0.0.0"  # noqa: S104 - to be reached from here

    @property
    def names(self) -> tuple[str, ...]:
        """The names and addresses of its host that a certificate can carry: no alias with an underscore."""
        alias = self.tunnel.destination.host if self.tunnel else self.address
        return (self.address, *(() if "_" in alias else (alias,)))

    def demand_life(self) -> None:
        """Raise EngineError where it no longer answers."""
        with engine_errors(f"asking whether {self.host} still answers"):
            self.client.ping()

    def close(self) -> None:
        """End the connection."""
        self.client.close()
        if self.tunnel:
            self.tunnel.close()

    def __str__(self) -> str:
        """Return what a message calls this engine."""
        return f"Docker {self.version} at {self.url}"


def connect(host: str | None = None) -> Engine:
    """Reach the engine of `host`; that of this machine (None, `local`) as the Docker command line would find it.

    Raises EngineError with a remedy when it cannot be reached, and ConfigError for a host that cannot be meant.
    """
    host = host or LOCAL
    place = endpoint(host)
    if not place.url.startswith("ssh:"):
        return _ask(host, place, None)
    whom = destination(place.url)
    with ThreadPoolExecutor(1) as pool:
        address = pool.submit(ssh.address, whom)
        tunnel = Tunnel(host, whom)
        try:
            return _ask(host, place, tunnel, address.result())
        except BaseException:
            tunnel.close()
            raise


def _ask(host: str, place: Endpoint, tunnel: Tunnel | None, address: str | None = None) -> Engine:
    client = None
    try:
        transport.demand_socket(place.url)
        client = docker.DockerClient(
            base_url=tunnel.url if tunnel else place.url,
            tls=place.tls or False,
            timeout=REQUEST_TIMEOUT_SECONDS,
            max_pool_size=POOLED_CONNECTIONS,
            # Until the engine has given its own: asking for that first would be one more way there and back.
            version=FIRST_API,
        )
        transport.mount(client, tunnel, REQUEST_TIMEOUT_SECONDS, POOLED_CONNECTIONS)
        with ThreadPoolExecutor(1) as pool:
            # No version of the API is spoken by all engines: these two questions name none.
            asked = pool.submit(client.api.version, api_version=False)
            started = dt.datetime.now(dt.timezone.utc)
            info = _info(client)
            ahead = _ahead(info["SystemTime"], started, dt.datetime.now(dt.timezone.utc))
            version = asked.result()
        # As version="auto" would have done.
        client.api._version = version["ApiVersion"]  # type: ignore[attr-defined]  # noqa: SLF001 - has no other way
    except (DockerException, RequestException, EngineError, OSError) as error:
        if client:
            client.close()
        raise EngineError(_silence(place, tunnel, error)) from error
    major, minor = version["ApiVersion"].split(".")
    return Engine(
        client=client,
        url=place.url,
        address=address or urlsplit(place.url).hostname or LOOPBACK,
        identity=info["ID"],
        version=version["Version"],
        api=(int(major), int(minor)),
        architecture=version["Arch"],
        clock=ahead,
        host=host,
        tunnel=tunnel,
        # Engines before 20.10 know control groups of version 1 only, and do not say so.
        defaults=Defaults(info["DefaultRuntime"], info["LoggingDriver"], str(info.get("CgroupVersion") or "1")),
        limits_memory=info.get("MemoryLimit", True) is True,
        is_rootless="name=rootless" in (info.get("SecurityOptions") or ()),
    )


def _info(client: docker.DockerClient) -> dict[str, Any]:
    """What the engine says of itself and its host, in the newest words that it knows."""
    response = client.api.get(f"{client.api.base_url}/info", timeout=client.api.timeout)
    response.raise_for_status()
    info: dict[str, Any] = response.json()
    return info


def _silence(place: Endpoint, tunnel: Tunnel | None, error: BaseException) -> str:
    """The message for an engine that does not answer."""
    if not tunnel:
        return (
            f"no container engine answers at {place.url} ({_root(error)}).\n"
            "Start Docker, or point DOCKER_HOST or the Docker context at an engine; as root on Debian, "
            "`python -m pytest_lucid engine` installs and starts one."
        )
    socket = ssh.ENGINE_SOCKET
    found = tunnel.run(f"test -S {socket} || exit 3; test -w {socket} || exit 4").code
    remedies = {
        3: f"there is no {socket}. Install Docker (Debian: docker.io) and start the engine.",
        4: f"this user may not use {socket}. Add the user to the group: `sudo usermod -aG docker USER`.",
    }
    remedy = remedies.get(found, f"no process listens at {socket}. Start the engine: `sudo systemctl start docker`.")
    return f"{tunnel.name}: SSH works, but no container engine answers ({_root(error)}): {remedy}"


def _ahead(timestamp: str, started: dt.datetime, ended: dt.datetime) -> float:
    """How far a clock that gave `timestamp` between `started` and `ended` is ahead, beyond what those leave open."""
    # The engine tells nanoseconds.
    there = dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", timestamp).replace("Z", "+00:00"))
    return max(0.0, (there - ended).total_seconds()) or min(0.0, (there - started).total_seconds())


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn what the engine refuses while `doing` something into one EngineError."""
    try:
        yield
    except APIError as error:
        raise EngineError(f"{doing}: the engine refused: {error.explanation or error}") from error
    except (DockerException, RequestException) as error:
        about = THE_ENGINE if isinstance(error, (requests.ConnectionError, requests.Timeout)) else ""
        raise EngineError(f"{doing}: {_root(error)}", about=about) from error


def _root(error: BaseException) -> str:
    """The innermost cause: the libraries wrap it several times, and only it tells the user something."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__
