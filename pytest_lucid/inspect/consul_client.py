"""Requests to a Consul inside its container, in clear or over TLS, with the settings of Consul's own command line.

The variables are Consul's: CONSUL_HTTP_TOKEN (or CONSUL_HTTP_TOKEN_FILE), CONSUL_HTTP_SSL, CONSUL_HTTP_SSL_VERIFY,
CONSUL_CACERT, CONSUL_TLS_SERVER_NAME, CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY. What is asked does not belong here.
"""

from __future__ import annotations

import json
import os
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.inspect.http import AGENT, MAXIMUM_BYTES
from pytest_lucid.sidecar.pipe import LOOPBACK, connected
from pytest_lucid.sidecar.secured_pipe import SecuredPipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_lucid.sidecar.pipe import Pipe
    from pytest_lucid.sidecar.session import Session

    Connection = Pipe | SecuredPipe

# Consul answers at once, or with an error; one that is frozen does neither.
ANSWER_SECONDS = 5.0
TRUE, FALSE = frozenset({"1", "t", "true"}), frozenset({"0", "f", "false"})
FORBIDDEN, NOT_FOUND, OK = 403, 404, 200
FILTERED_HEADER = "X-Consul-Results-Filtered-By-ACLs"


@dataclass(frozen=True)
class Access:
    """How Consul is asked: the token, and for TLS the context and the name that its certificate has to have."""

    token: str = ""
    context: ssl.SSLContext | None = None
    server_name: str = LOOPBACK


@dataclass(frozen=True)
class Answer:
    """A document of Consul's, and whether it says itself that the token may not read all of it."""

    document: Any
    is_filtered: bool = False


def read_access(environ: Mapping[str, str]) -> Access:
    """Read how to ask from the variables of Consul's own command line; raises ConfigError that names a wrong one."""
    if not _switch(environ, "CONSUL_HTTP_SSL", default=False):
        return Access(_token(environ))
    name = "CONSUL_CACERT"
    try:
        context = ssl.create_default_context(cafile=environ.get(name) or None)
        name = "CONSUL_CLIENT_CERT"
        if certificate := environ.get(name):
            context.load_cert_chain(certificate, environ.get("CONSUL_CLIENT_KEY") or None)
    except OSError as error:
        raise ConfigError(f"{name}={environ[name]}: {error.strerror or error}; expected a file in PEM") from error
    if not _switch(environ, "CONSUL_HTTP_SSL_VERIFY", default=True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return Access(_token(environ), context, environ.get("CONSUL_TLS_SERVER_NAME") or LOOPBACK)


def _switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = environ.get(name, "").strip().lower()
    if value and value not in TRUE | FALSE:
        raise ConfigError(f"{name}={environ[name]}: expected true or false")
    return value in TRUE if value else default


def _token(environ: Mapping[str, str]) -> str:
    token, file = environ.get("CONSUL_HTTP_TOKEN", ""), environ.get("CONSUL_HTTP_TOKEN_FILE")
    if not token and file:
        try:
            token = Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"CONSUL_HTTP_TOKEN_FILE={file}: {error}; expected a file with a token") from error
    if not token.isprintable() or not token.isascii():
        raise ConfigError("CONSUL_HTTP_TOKEN: expected a token in one line of ASCII")
    return token


@contextmanager
def consul_client(session: Session, port: int) -> Iterator[ConsulClient]:
    """Connect to the Consul that `session` is inside of, at `port`, for ANSWER_SECONDS at most.

    Raises EngineError where that is not possible, ConfigError where a variable cannot be meant.
    """
    access = read_access(os.environ)
    with connected(session, port, ANSWER_SECONDS) as pipe:
        way = _secured(pipe, port, access.context, access.server_name) if access.context else pipe
        yield ConsulClient(way, port, access.token)


class ConsulClient:
    """Asks over one connection. The token goes into the connection and onto no command line."""

    def __init__(self, pipe: Connection, port: int, token: str) -> None:
        self._pipe = pipe
        self._port = port
        self._token = token

    def get(self, paths: Sequence[str]) -> Sequence[Answer]:
        """The answers to GET /v1/PATH for all `paths`, asked at once; raises EngineError where one is none."""
        self._send(paths[0], b"".join(self._request("GET", path) for path in paths))
        answers = []
        for path in paths:
            status, text, is_filtered = self._receive(path)
            if status == FORBIDDEN:
                raise EngineError(
                    f"Consul refused /v1/{path} ({_shown(text)}), so what it knows cannot be judged; expected "
                    "CONSUL_HTTP_TOKEN to have a token of this Consul with service:read and node:read"
                )
            answers.append(Answer(_document(path, status, text), is_filtered))
        return answers

    def unreadable(self, services: Sequence[str]) -> Sequence[str]:
        """Those of `services` that the token may not read; none where Consul has no ACLs."""
        path = "internal/acl/authorize"
        asked = [{"Resource": "service", "Access": "read", "Segment": name} for name in services]
        self._send(path, self._request("POST", path, json.dumps(asked).encode()))
        status, text, _ = self._receive(path)
        # Without ACLs it is 401, and Consul before 1.8 does not know the question.
        answers = _document(path, status, text) if status == OK else []
        rights = {each.get("Segment"): each.get("Allow") for each in answers if isinstance(each, dict)}
        return [name for name in services if rights.get(name) is False]

    def _request(self, method: str, path: str, content: bytes = b"") -> bytes:
        lines = [f"{method} /v1/{path} HTTP/1.1", f"Host: {LOOPBACK}:{self._port}", f"User-Agent: {AGENT}"]
        lines += [f"X-Consul-Token: {self._token}"] if self._token else []
        return "\r\n".join((*lines, f"Content-Length: {len(content)}", "", "")).encode("ascii") + content

    def _send(self, path: str, data: bytes) -> None:
        try:
            self._pipe.sendall(data)
        except OSError as error:
            raise _silence(self._port, f"/v1/{path}", str(error) or type(error).__name__) from error

    def _receive(self, path: str) -> tuple[int, bytes, bool]:
        """The status, the text, and whether something was left out of it."""
        response = HTTPResponse(self._pipe)  # type: ignore[arg-type]  # asks for no more
        try:
            response.begin()
            text = response.read(MAXIMUM_BYTES + 1)
        except (OSError, HTTPException) as error:
            raise _silence(self._port, f"/v1/{path}", str(error) or type(error).__name__) from error
        if len(text) > MAXIMUM_BYTES:
            raise _silence(self._port, f"/v1/{path}", f"more than {MAXIMUM_BYTES} bytes")
        if b"HTTP request to an HTTPS server" in text:
            raise _silence(self._port, f"/v1/{path}", "it speaks TLS; expected CONSUL_HTTP_SSL=true and CONSUL_CACERT")
        return response.status, text, response.getheader(FILTERED_HEADER, "").lower() == "true"


def _secured(pipe: Pipe, port: int, context: ssl.SSLContext, server_name: str) -> SecuredPipe:
    try:
        return SecuredPipe(pipe, context, server_name)
    except ssl.SSLCertVerificationError as error:
        remedy = "expected CONSUL_CACERT, and CONSUL_TLS_SERVER_NAME where the certificate does not name 127.0.0.1"
        raise _silence(port, "its certificate", f"{error.verify_message}; {remedy}") from error
    except OSError as error:
        raise _silence(port, "TLS", f"{error}; CONSUL_HTTP_SSL is set") from error


def _silence(port: int, what: str, why: str) -> EngineError:
    return EngineError(f"Consul gave no answer to {what} at port {port}, so what it knows cannot be judged ({why})")


def _document(path: str, status: int, text: bytes) -> Any:
    try:
        if status == OK:
            return from_json(text)
    except ValueError:
        pass
    raise EngineError(
        f"Consul gave no answer to /v1/{path}, so what it knows cannot be judged (status {status}, {_shown(text)})"
    )


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()[:200] or "nothing"
