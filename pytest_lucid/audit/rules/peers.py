"""Rules about the names of peers in variables: whether they will resolve in the network of the matrix."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_lucid.audit.finding import Finding
    from pytest_lucid.audit.subject import Subject

_NAMES = re.compile(r"(?:.*_)?(?:URL|URI|HOST|HOSTNAME|ENDPOINT|ADDR|ADDRESS|SERVER|UPSTREAM|BROKER|DSN)S?")
# A service's own side: where it listens, or how it is known.
_OWN = re.compile(r"(?:BIND|LISTEN|HOSTNAME|HOST|SERVER_HOST|UVICORN_HOST|GUNICORN_.*|SERVICE_HOST(?:NAME)?)(?:_.*)?")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?", re.IGNORECASE)
_SELF = frozenset({"localhost", "host-gateway"})


def unknown_peers(subject: Subject) -> Iterator[Finding]:
    """A host in a variable that no container of the matrix has, or a port that it does not listen on."""
    final, matrix = subject.final, subject.matrix
    if final is None:
        return
    ports = {service.name: {port.number for port in service.ports or ()} for service in matrix.service}
    if matrix.consul:
        ports[matrix.consul.container] = {matrix.consul.port}
    for name, located in final.env.items():
        if not _NAMES.fullmatch(name):
            continue
        for scheme, host, port in _hosts(name, located.value):
            if host not in ports:
                yield subject.at(
                    located.line, f"{name} names the host {host}, which no container of the matrix has.", host
                )
            elif port and scheme in {"http", "https"} and port not in ports[host]:
                open_ports = ", ".join(str(number) for number in sorted(ports[host]))
                yield subject.at(
                    located.line, f"{name} names port {port} of {host}, which listens on {open_ports}.", host
                )


def _hosts(name: str, value: str) -> Iterator[tuple[str, str, int | None]]:
    """Yield scheme, host and port of each peer in a value; only names of one label, since others may be anybody's."""
    for part in value.split(","):
        text = part.strip()
        if "://" not in text:
            if _OWN.fullmatch(name) or "/" in text:
                continue
            text = f"//{text}"
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            continue
        if host and _HOST.fullmatch(host) and host not in _SELF and not _is_address(host):
            yield parts.scheme, host, port


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.isdecimal()
    return True
