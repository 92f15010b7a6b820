"""`lucid://CONTAINER` for testinfra's `--hosts` and `get_host`: how it is written. What answers is loaded when asked.

Inside pytest the plugin registers it. Elsewhere call `register` before `testinfra.get_host("lucid://CONTAINER")`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import testinfra.backend

from pytest_lucid.config.hosts import LOCAL, read_hosts
from pytest_lucid.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    HostSpec = tuple[str, dict[str, Any]]

SCHEME = "lucid"
BACKEND = "pytest_lucid.target.testinfra_hosts.ContainerBackend"
EXPECTED = "expected lucid://CONTAINER or lucid://CONTAINER?host=HOST, with HOST as for --lucid-host"


def register() -> None:
    """Let testinfra know `lucid://`; more than once is no harm."""
    testinfra.backend.BACKENDS[SCHEME] = BACKEND
    if not isinstance(testinfra.backend.parse_hostspec, _Parser):
        testinfra.backend.parse_hostspec = _Parser(testinfra.backend.parse_hostspec)


class _Parser:
    """testinfra's parser of host specifications, which drops what it does not know: a host would be lost."""

    def __init__(self, others: Callable[[str], HostSpec]) -> None:
        self._others = others

    def __call__(self, hostspec: str) -> HostSpec:
        """Return the name and the parameters."""
        if not (hostspec and hostspec.startswith(f"{SCHEME}://")):
            return self._others(hostspec)
        url = urlsplit(hostspec)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        host = query.pop("host", LOCAL)
        if query or url.path or url.fragment or not url.netloc or read_hosts((host,)) != (host,):
            raise ConfigError(f"{hostspec!r} cannot be meant; {EXPECTED}")
        return url.netloc, {"connection": SCHEME, "engine_host": host}
