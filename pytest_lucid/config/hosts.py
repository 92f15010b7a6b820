"""What `--lucid-host` may name. Reading the words is all that happens here: nothing is looked up and nothing asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from pytest_lucid.errors import ConfigError

LOCAL = "local"
EXPECTED = (
    "a name or address (user@ before it, if need be), ssh://user@host:port, the name of a Docker context, "
    "tcp://host:port, unix:///path, npipe:////./pipe/name, or local"
)
# No name of a host, user or context begins otherwise, so none can be taken for an option of a program.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_PATH = re.compile(r"[\w./~-]+", re.ASCII)


@dataclass(frozen=True)
class Destination:
    """Whom ssh is to reach; what is None comes from the user's own configuration of ssh."""

    host: str
    user: str | None = None
    port: int | None = None

    @property
    def arguments(self) -> tuple[str, ...]:
        """The end of a command line of ssh, after all options."""
        port = ("-p", str(self.port)) if self.port else ()
        user = ("-l", self.user) if self.user else ()
        return (*port, *user, "--", self.host)


def read_hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    """The hosts in `values`, each perhaps several with commas between, once each; ConfigError for what is no host."""
    hosts = [host.strip() for value in values for host in value.split(",") if host.strip()]
    for host in hosts:
        if "://" in host:
            _demand(host, is_url(host))
        elif host != LOCAL:
            destination(host)
    return tuple(dict.fromkeys(hosts))


def is_url(text: str) -> bool:
    """Whether it is the URL of an engine that can be meant."""
    try:
        url = urlsplit(text)
        match url.scheme:
            case "ssh":
                return _is_host(url) and url.path in {"", "/"}
            case "tcp":
                return _is_host(url) and not url.path and url.username is None
            case "unix":
                return not url.netloc and url.path.startswith("/") and _PATH.fullmatch(url.path) is not None
            case "npipe":
                return _PATH.fullmatch(url.path) is not None
    except ValueError:
        return False
    return False


def destination(text: str) -> Destination:
    """Whom ssh is to reach by `[user@]host` or `ssh://[user@]host[:port]`; ConfigError where that cannot be meant."""
    if text.startswith("ssh://"):
        _demand(text, is_url(text))
        url = urlsplit(text)
        return Destination(url.hostname or "", url.username, url.port)
    user, at, host = text.rpartition("@")
    _demand(text, _is_name(host) and (not at or _NAME.fullmatch(user) is not None))
    return Destination(host, user or None)


def _is_host(url: SplitResult) -> bool:
    plain = not (url.query or url.fragment or url.password)
    known_user = url.username is None or _NAME.fullmatch(url.username) is not None
    # Reading it refuses a port that is no number.
    return plain and known_user and _is_name(url.hostname or "") and url.port != 0


def _is_name(text: str) -> bool:
    if _NAME.fullmatch(text):
        return True
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _demand(text: str, meant: bool) -> None:  # noqa: FBT001 - the verdict on the text
    if not meant:
        raise ConfigError(f"--lucid-host: {text!r} is no valid host; expected {EXPECTED}")
