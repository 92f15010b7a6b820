"""One frozen object with everything a service reads from its environment; no other module reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONSUL = "consul"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LARGEST_PORT = 65535
_LONGEST_NUMBER = 19


class ConfigError(Exception):
    """The environment cannot be used; the message has one line per variable at fault."""


@dataclass(frozen=True)
class Peer:
    """Another container that this service needs: its name in the matrix, and `http://host:port` without a path."""

    name: str
    url: str


@dataclass(frozen=True)
class Tls:
    """Where HTTPS listens, and the PEM files that it needs; whether they are there is known only at the start."""

    port: int
    cert_file: Path
    key_file: Path


@dataclass(frozen=True)
class Config:
    """The configuration of one service process.

    `host` is empty for every interface: the boundary of a container is its network namespace.
    """

    service: str
    version: str
    port: int
    log_level: str
    discovery_url: str
    peers: tuple[Peer, ...] = ()
    tags: tuple[str, ...] = ()
    tls: Tls | None = None
    host: str = ""


def url_variable(peer: str) -> str:
    """Return the variable that holds the URL of `peer`: `lucid-data-chain` gives `DATA_CHAIN_URL`."""
    if peer == CONSUL:
        return "SERVICE_DISCOVERY_URL"
    return peer.removeprefix("lucid-").replace("-", "_").upper() + "_URL"


def load_config(environ: Mapping[str, str], needs: Sequence[str] = ()) -> Config:
    """Read the configuration of a service that needs the containers named in `needs`.

    An empty variable counts as one that is not set. Raises ConfigError, naming every variable at fault.
    """
    source = Environment(environ)
    config = read_config(source, needs)
    source.check()
    return config


def read_config(source: Environment, needs: Sequence[str] = ()) -> Config:
    """Read what every service has; what is wrong is collected in `source`, and the result is no use then."""
    config = Config(
        service=source.name("SERVICE_NAME"),
        version=source.required("SERVICE_VERSION"),
        port=source.port("PORT"),
        log_level=source.choice("LOG_LEVEL", LOG_LEVELS, default="INFO"),
        discovery_url=source.url("SERVICE_DISCOVERY_URL"),
        peers=tuple(Peer(need, source.url(url_variable(need))) for need in needs),
        tags=tuple(tag.strip() for tag in source.text("SERVICE_TAGS").split(",") if tag.strip()),
        tls=_tls(source),
    )
    if config.tls is not None and config.tls.port == config.port:
        source.refuse("TLS_PORT", "a port other than PORT")
    return config


def _tls(source: Environment) -> Tls | None:
    if not source.text("TLS_PORT"):
        return None
    return Tls(
        port=source.port("TLS_PORT"),
        cert_file=Path(source.required("TLS_CERT_FILE")),
        key_file=Path(source.required("TLS_KEY_FILE")),
    )


class Environment:
    """Reads variables and collects what is wrong with them, so that one start shows every mistake.

    Every method returns a value of its type also when the variable is wrong; `check` is called at the end.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[str] = []

    def check(self) -> None:
        """Raise ConfigError if anything that was read is wrong."""
        if self._problems:
            # A variable may have been asked for twice, and one complaint about it is enough.
            raise ConfigError("\n".join(dict.fromkeys(self._problems)))

    def refuse(self, variable: str, expected: str) -> None:
        """Note that `variable` is not what is `expected`."""
        self._problems.append(f"{variable}={self._environ.get(variable, '')!r}: expected {expected}")

    def secret(self, variable: str, shortest: int) -> str:
        """Return a value of at least `shortest` characters, or nothing if it is not set; no complaint shows it."""
        text = self.text(variable)
        if text and len(text) < shortest:
            self._problems.append(f"{variable}: expected at least {shortest} characters, found {len(text)}")
        return text

    def text(self, variable: str) -> str:
        """Return the value without space around it; nothing if it is not set."""
        return self._environ.get(variable, "").strip()

    def required(self, variable: str) -> str:
        """Return a value that must be there."""
        if not self.text(variable):
            self.refuse(variable, "a value")
        return self.text(variable)

    def name(self, variable: str) -> str:
        """Return the name of a container."""
        if not _NAME.fullmatch(self.text(variable)):
            self.refuse(variable, "a name of lower-case letters, digits and inner hyphens, such as lucid-data-chain")
        return self.text(variable)

    def port(self, variable: str) -> int:
        """Return a port."""
        number = _whole(self.text(variable))
        if not 1 <= number <= _LARGEST_PORT:
            self.refuse(variable, f"a port from 1 to {_LARGEST_PORT}")
        return number

    def integer(self, variable: str, smallest: int, largest: int, *, default: int) -> int:
        """Return a whole number from `smallest`, which is at least 0, to `largest`."""
        number = _whole(self.text(variable) or str(default))
        if not smallest <= number <= largest:
            self.refuse(variable, f"a whole number from {smallest} to {largest}")
        return number

    def folder(self, variable: str) -> Path:
        """Return an absolute path; whether it is there is known only at the start."""
        path = Path(self.text(variable))
        if not path.is_absolute():
            self.refuse(variable, "an absolute path")
        return path

    def choice(self, variable: str, allowed: Sequence[str], *, default: str) -> str:
        """Return one of the values that are `allowed`."""
        text = self.text(variable) or default
        if text not in allowed:
            self.refuse(variable, "one of " + ", ".join(allowed))
        return text

    def url(self, variable: str) -> str:
        """Return `http://host:port`."""
        text = self.text(variable).rstrip("/")
        if not _is_base_url(text):
            self.refuse(variable, "http://host:port, without a path")
        return text


def _whole(text: str) -> int:
    # Longer numbers are beyond every bound, and reading them takes time.
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER else -1


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme == "http" and bool(parts.hostname) and port != 0 and text == f"http://{parts.netloc}"
