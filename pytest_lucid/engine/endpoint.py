"""From what the user calls a host to the engine's address and the way to it. Asking that engine belongs to others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docker.constants import DEFAULT_NPIPE, DEFAULT_UNIX_SOCKET, IS_WINDOWS_PLATFORM
from docker.context import ContextAPI
from docker.context.config import get_current_context_name
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from pytest_lucid.config.hosts import LOCAL
from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from docker.tls import TLSConfig

# Docker's command writes tcp into a context; a file can have http as well.
PLAIN = ("tcp:", "http:")


@dataclass(frozen=True)
class Endpoint:
    """Where an engine is: a URL (unix, npipe, tcp, ssh), and the certificates for it."""

    url: str
    tls: TLSConfig | None = None


def endpoint(host: str) -> Endpoint:
    """Find the engine of `host`, one of the words that read_hosts lets through.

    A context of that name goes before a machine of that name. Raises ConfigError for a context that is chosen and not
    there, or cannot be read, and where an engine would be spoken to over a network without TLS.
    """
    try:
        parameters = _parameters(host)
    except Exception as error:  # the SDK raises what it likes for the file of a context, bare Exception included
        raise ConfigError(f"--lucid-host: Docker's settings for {host} cannot be used: {error}") from error
    url = str(parameters.get("base_url") or (DEFAULT_NPIPE if IS_WINDOWS_PLATFORM else DEFAULT_UNIX_SOCKET))
    found = Endpoint(url.replace("http+unix:", "unix:"), None if url.startswith("ssh:") else parameters.get("tls"))
    if host != LOCAL and found.tls is None and found.url.startswith(PLAIN) and not is_loopback(found.url):
        raise ConfigError(
            f"--lucid-host: {host} would be used without TLS, so anyone on the network could control the engine; set "
            "DOCKER_CERT_PATH to the folder of ca.pem, cert.pem and key.pem and DOCKER_TLS_VERIFY=1, or use ssh"
        )
    return found


def _parameters(host: str) -> dict[str, Any]:
    """What the SDK needs to know of an engine, in its own words."""
    if host == LOCAL:
        parameters = dict(kwargs_from_env())
        return parameters if "base_url" in parameters else {**_chosen_context(), **parameters}
    if "://" in host:
        return dict(kwargs_from_env({**os.environ, "DOCKER_HOST": host}))
    return dict(ContextAPI.kwargs_from_context(name=host)) or {"base_url": f"ssh://{host}"}


def _chosen_context() -> dict[str, Any]:
    """What the SDK needs for the context in use; another engine than the one that was meant is no substitute."""
    chosen = os.environ.get("DOCKER_CONTEXT") or get_current_context_name()
    if ContextAPI.get_context(chosen) is None:
        raise DockerException(f"there is no context {chosen}; choose one of `docker context ls`")
    return dict(ContextAPI.kwargs_from_context(chosen))


def is_loopback(url: str) -> bool:
    """Whether the URL leads to this machine itself."""
    name = urlsplit(url).hostname or ""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
