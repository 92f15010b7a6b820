"""One HTTP request, and what came back. Judging the answer is left to the checks.

What answers is not trusted: an answer is bounded in time (all of it together, not each read), size, headers and depth.
"""

from __future__ import annotations

import datetime as dt
import io
import secrets
import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic_core import from_json

from pytest_lucid.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

# As long as the health check of the document waits for its answer.
TOTAL_SECONDS = 10.0
CONNECT_SECONDS = 5.0
MAXIMUM_BYTES = 1024 * 1024
# By these, a reader of a log recognises what a run has asked.
AGENT = "pytest-lucid"
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Request:
    """What is asked, and how many seconds the answer may take as a whole."""

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    seconds: float = TOTAL_SECONDS


GET = Request()


@dataclass(frozen=True)
class Response:
    """What `url` answered, and when: a status and the decoded JSON body, or why there is none.

    `error` says why there is no answer, `fault` why its text is no JSON; `body` is None then.
    """

    url: str
    received: dt.datetime
    status: int | None = None
    text: str = ""
    body: Any = None
    error: str | None = None
    fault: str | None = None
    content: bytes = field(default=b"", repr=False)
    # Their names in lower case.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def document(self) -> Mapping[str, Any]:
        """The body, if it is a JSON object; otherwise an empty one."""
        return self.body if isinstance(self.body, dict) else {}

    def demand(self) -> Response:
        """Itself; raises MissingError where there was no answer, which leaves nothing to judge."""
        if self.error:
            scheme, where = urlsplit(self.url)[:2]
            raise MissingError(str(self), about=f"answers of {scheme}://{where}")
        return self

    def moment(self, name: str) -> dt.datetime | None:
        """The field of this name as a time, with or without a zone; None where there is none in ISO 8601."""
        try:
            return dt.datetime.fromisoformat(str(self.document.get(name)).replace("Z", "+00:00"))
        except ValueError:
            return None

    def __str__(self) -> str:
        """Return the answer in one line, for messages."""
        seen = f"{self.status} {self.text[:200]}"
        return f"{self.url}: {self.error or (f'{seen} ({self.fault})' if self.fault else seen)}"


class _Bounded(io.RawIOBase):
    """The bytes of a connection until `deadline` (time.monotonic); what comes later is a TimeoutError."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Wire:
    """What the standard library's parser of answers wants to be given in place of a socket."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._reader = io.BufferedReader(_Bounded(connection, deadline))

    def makefile(self, mode: str) -> io.BufferedIOBase:
        del mode
        return self._reader


def fetch(url: str, authority: str | None = None, request: Request = GET) -> Response:
    """Ask `url` once, directly: no proxy, no redirect. HTTPS is verified against the PEM certificate `authority`.

    What does not answer completely within the request's time and 1 MiB is a Response with an `error` that says so.
    """
    deadline = time.monotonic() + request.seconds
    try:
        with closing(_connect(url, authority, deadline)) as connection:
            status, headers, content = _ask(connection, url, request, deadline)
    except TimeoutError:
        return Response(url, _now(), error=f"no answer: it was not complete within {request.seconds:g} s")
    except (OSError, HTTPException, ValueError) as error:
        return Response(url, _now(), error=f"no answer: {_reason(error)}")
    answer = Response(url, _now(), status, content.decode("utf-8", "replace"), content=content, headers=headers)
    try:
        return replace(answer, body=from_json(content))
    except ValueError as error:
        return replace(answer, fault=f"no JSON: {error}")


def _connect(url: str, authority: str | None, deadline: float) -> socket.socket:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
    connection = socket.create_connection((host, port), min(CONNECT_SECONDS, deadline - time.monotonic()))
    if parts.scheme != "https":
        return connection
    context = ssl.create_default_context(cadata=authority)
    try:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        return context.wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _ask(connection: socket.socket, url: str, request: Request, deadline: float) -> tuple[int, dict[str, str], bytes]:
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    named = {"User-Agent": AGENT, "X-Request-ID": f"{AGENT}-{secrets.token_hex(8)}"}
    headers = {"Host": parts.netloc, "Accept": "*/*", "Connection": "close", **named, **request.headers}
    if request.content is not None:
        headers["Content-Length"] = str(len(request.content))
    lines = (f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", "")
    connection.settimeout(max(0.001, deadline - time.monotonic()))
    connection.sendall("\r\n".join(lines).encode("ascii") + (request.content or b""))
    # The parser itself takes no more than a hundred headers, and no line longer than 64 KiB.
    response = HTTPResponse(_Wire(connection, deadline), method=request.method)  # type: ignore[arg-type]  # asks for no more
    response.begin()
    content = response.read(MAXIMUM_BYTES + 1)
    if len(content) > MAXIMUM_BYTES:
        raise ValueError(f"it is longer than {MAXIMUM_BYTES} bytes")
    if response.length:
        raise ValueError(f"it ended {response.length} bytes too early")
    return response.status, {name.lower(): value for name, value in response.getheaders()}, content


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
