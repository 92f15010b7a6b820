"""HTTP from inside a container: the request goes through its sidecar, so no port need be published."""

from __future__ import annotations

import base64
import http.client
import re
import shlex
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote, urljoin, urlsplit

from pytest_lucid.errors import ConfigError
from pytest_lucid.formats.tested import HttpAnswer
from pytest_lucid.sidecar.pipe import connected
from pytest_lucid.sidecar.secured_pipe import SecuredPipe

if TYPE_CHECKING:
    import socket
    from urllib.parse import SplitResult

    from pytest_lucid.formats.tested import HttpRequest
    from pytest_lucid.sidecar.session import Session

# As Go's client.
_MOST_REDIRECTS = 10
_MOVED = frozenset({301, 302, 303, 307, 308})
# A redirect with one of these keeps method and body.
_KEPT = frozenset({307, 308})
_PORTS = {"http": 80, "https": 443}
_MOST_BYTES = 16 << 20
_MOST_SHOWN = 200


def fetch(session: Session, request: HttpRequest) -> HttpAnswer:
    """Send a request from inside the container of `session`. Raises OSError where there is no answer in time."""
    deadline = time.monotonic() + request.seconds
    for _ in range(_MOST_REDIRECTS + 1):
        answer = _once(session, request, deadline)
        target = next((value for name, value in answer.headers if name.lower() == "location"), "")
        if not (request.follows and answer.status in _MOVED and target):
            return answer
        request = _redirected(request, target, answer.status)
    raise OSError(f"more than {_MOST_REDIRECTS} redirects")


def _redirected(request: HttpRequest, target: str, status: int) -> HttpRequest:
    try:
        url = urljoin(request.url, target)
        _parts(url)
    except ValueError as error:
        raise OSError(f"a redirect leads to {target[:_MOST_SHOWN]!r}: {error}") from error
    # Who is asked next need not learn what was meant for the first.
    secret = {"authorization", "cookie"} if urlsplit(url).netloc != urlsplit(request.url).netloc else set()
    headers = tuple((name, value) for name, value in request.headers if name.lower() not in {"host", *secret})
    if status in _KEPT:
        return replace(request, url=url, headers=headers)
    return replace(request, url=url, headers=headers, body=b"", method="HEAD" if request.method == "HEAD" else "GET")


def _parts(url: str) -> tuple[SplitResult, str, int]:
    """The parts of an address of HTTP, its host and its port. Raises ValueError, which says what is wrong."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host:
        raise ValueError("expected http://HOST or https://HOST")
    return parts, host, parts.port or _PORTS[parts.scheme]


def _target(parts: SplitResult) -> str:
    """What is asked of the host, with all that is not ASCII as %XX, as Go writes it."""
    said = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return re.sub("[^!-~]", lambda match: quote(match[0]), said)


def _basic(parts: SplitResult) -> str:
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _once(session: Session, request: HttpRequest, deadline: float) -> HttpAnswer:
    try:
        parts, host, port = _parts(request.url)
    except ValueError as error:
        raise ConfigError(f"http {request.url}: {error}") from error
    with connected(session, port, max(0.1, deadline - time.monotonic()), _address(session, host)) as pipe:
        stream: Any = SecuredPipe(pipe, _context(request), host) if parts.scheme == "https" else pipe
        connection = http.client.HTTPConnection(host, port)
        # It stands in `Host` only where it is not the usual one.
        connection.default_port = _PORTS[parts.scheme]
        connection.sock = cast("socket.socket", stream)
        named = {name.lower() for name, _ in request.headers}
        try:
            connection.putrequest(
                request.method,
                _target(parts),
                skip_host="host" in named,
                skip_accept_encoding=True,
            )
            # As in goss, of several hosts the first counts.
            hosts = [each for each in request.headers if each[0].lower() == "host"][:1]
            for name, value in (*hosts, *(each for each in request.headers if each[0].lower() != "host")):
                connection.putheader(name, value)
            if parts.username is not None and "authorization" not in named:
                connection.putheader("Authorization", _basic(parts))
            if "user-agent" not in named:
                connection.putheader("User-Agent", "Go-http-client/1.1")
            connection.putheader("Connection", "close")
            if request.body:
                connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body or None)
            answer = http.client.HTTPResponse(cast("socket.socket", stream), method=request.method)
            answer.begin()
            body = answer.read(_MOST_BYTES + 1)
        except http.client.HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        except ValueError as error:
            raise ConfigError(f"http {request.url}: {error}") from error
    if len(body) > _MOST_BYTES:
        raise OSError(f"the answer has more than {_MOST_BYTES} bytes")
    # Go writes names so.
    headers = tuple(
        ("-".join(part.capitalize() for part in name.split("-")), value) for name, value in answer.getheaders()
    )
    return HttpAnswer(answer.status, headers, body)


def _address(session: Session, host: str) -> str:
    said = session.run(f"getent ahosts {shlex.quote(host)}")
    addresses = [line.split()[0] for line in said.stdout.decode("utf-8", "replace").splitlines() if line.split()]
    if not addresses:
        raise OSError(f"{host} has no address inside")
    # As most services listen; IPv6 alone is asked where there is nothing else.
    return next((each for each in addresses if ":" not in each), addresses[0])


def _context(request: HttpRequest) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=request.ca or None)
        if request.cert:
            context.load_cert_chain(request.cert, request.key or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"http {request.url}: ca-file, cert-file or key-file cannot be used: {error}") from error
    if not request.verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
