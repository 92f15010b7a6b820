"""The connection to a container engine. What is done over it belongs to the other modules."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import docker
from docker.constants import DEFAULT_NPIPE, DEFAULT_UNIX_SOCKET, IS_WINDOWS_PLATFORM
from docker.context import ContextAPI
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from pytest_lucid.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = "local"
# Creating a container on a busy Pi can take a while; a connection that hangs longer is broken.
REQUEST_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Engine:
    """A reachable engine: where it is, what it is, and where its published ports answer."""

    client: docker.DockerClient
    url: str
    address: str
    identity: str
    version: str
    api: tuple[int, int]

    @property
    def is_local(self) -> bool:
        """Whether the engine shares this machine's ports."""
        return self.url.startswith(("unix:", "npipe:", "http+unix:"))

    def __str__(self) -> str:
        """Return what a message calls this engine."""
        return f"Docker {self.version} at {self.url}"


def connect(host: str | None = None) -> Engine:
    """Reach the engine of this machine, as the Docker command line would find it.

    Raises EngineError when it does not answer, and ConfigError for a host that is not supported.
    """
    if host not in (None, LOCAL):
        raise ConfigError(f"--lucid-host: expected {LOCAL!r}, got {host!r}; other hosts are not supported yet")
    parameters = kwargs_from_env()
    if "base_url" not in parameters:
        parameters = {**ContextAPI.kwargs_from_context(environment=os.environ), **parameters}
    url = str(parameters.get("base_url") or (DEFAULT_NPIPE if IS_WINDOWS_PLATFORM else DEFAULT_UNIX_SOCKET))
    url = url.replace("http+unix:", "unix:")
    client = None
    try:
        client = docker.DockerClient(timeout=REQUEST_TIMEOUT_SECONDS, **parameters)
        info, version = client.info(), client.version()
    except (DockerException, RequestException) as error:
        if client:
            client.close()
        raise EngineError(
            f"no container engine answers at {url} ({_root(error)}).\n"
            "Start Docker, or point DOCKER_HOST or the Docker context at an engine; as root on Debian, "
            "`python -m pytest_lucid engine` installs and starts one."
        ) from error
    major, minor = version["ApiVersion"].split(".")
    return Engine(
        client=client,
        url=url,
        address=urlsplit(url).hostname or "127.0.0.1" if url.startswith(("tcp:", "http", "ssh:")) else "127.0.0.1",
        identity=info["ID"],
        version=version["Version"],
        api=(int(major), int(minor)),
    )


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn what the engine refuses while `doing` something into one EngineError."""
    try:
        yield
    except APIError as error:
        raise EngineError(f"{doing}: the engine refused: {error.explanation or error}") from error
    except (DockerException, RequestException) as error:
        raise EngineError(f"{doing}: {_root(error)}") from error


def _root(error: BaseException) -> str:
    """The innermost cause: the libraries wrap it several times, and only it tells the user something."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error) or type(error).__name__
