"""What only a newer Consul says, and the settings of its command line; a real one is asked in tests/engine."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from pytest_lucid.errors import ConfigError, EngineError
from pytest_lucid.inspect.consul import discover, registrations
from pytest_lucid.inspect.consul_client import ConsulClient, read_access
from pytest_lucid.sidecar.pipe import LastingReader

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Mapping

HIDDEN = {"X-Consul-Results-Filtered-By-ACLs": "true"}


def instance(**service: object) -> list[dict[str, object]]:
    return [{"Service": service, "Node": {"Address": "10.0.0.1"}, "Checks": []}]


@pytest.mark.parametrize(
    ("service", "port"),
    [
        ({"Port": 80}, 80),
        ({"Ports": [{"Name": "grpc", "Port": 90}, {"Name": "http", "Port": 80, "Default": True}]}, 80),
        ({"Port": 0, "Ports": [{"Name": "http", "Port": 80}, {"Name": "grpc", "Port": 90}]}, 80),
        ({"Port": 80, "Ports": None}, 80),
        ({}, 0),
    ],
    ids=["one", "several", "no default", "null", "none"],
)
def test_an_instance_with_one_port_or_several(service: dict[str, object], port: int) -> None:
    (found,) = registrations(instance(**service), "a")
    assert found.port == port


@pytest.mark.parametrize("ports", [{}, [80], [{"Name": "http"}], [{"Port": "80"}]])
def test_several_ports_of_another_shape_are_an_error(ports: object) -> None:
    with pytest.raises(EngineError, match=r"asking Consul for a: the answer is not understood: .*Ports"):
        registrations(instance(Ports=ports), "a")


def test_without_variables_consul_is_asked_in_clear_and_without_a_token() -> None:
    access = read_access({"CONSUL_HTTP_SSL": "", "CONSUL_CACERT": "/absent"})
    assert (access.token, access.context) == ("", None)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"CONSUL_HTTP_SSL": "yes"}, r"CONSUL_HTTP_SSL=yes: expected true or false"),
        ({"CONSUL_HTTP_SSL": "1", "CONSUL_HTTP_SSL_VERIFY": "no"}, r"CONSUL_HTTP_SSL_VERIFY=no: expected true or"),
        ({"CONSUL_HTTP_SSL": "1", "CONSUL_CACERT": "/absent.pem"}, r"CONSUL_CACERT=/absent\.pem: .*expected a file"),
        ({"CONSUL_HTTP_SSL": "1", "CONSUL_CACERT": __file__}, r"CONSUL_CACERT=.*: .*expected a file in PEM"),
        ({"CONSUL_HTTP_SSL": "1", "CONSUL_CLIENT_CERT": __file__}, r"CONSUL_CLIENT_CERT=.*: .*expected a file in PEM"),
        ({"CONSUL_HTTP_TOKEN_FILE": "/absent"}, r"CONSUL_HTTP_TOKEN_FILE=/absent: .*expected a file with a token"),
        ({"CONSUL_HTTP_TOKEN": "a\r\nHost: b"}, r"CONSUL_HTTP_TOKEN: expected a token in one line"),
    ],
)
def test_a_variable_that_cannot_be_meant_is_named(variables: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_access(variables)


class Wire:
    """A connection to this machine, in the place of one into a container."""

    def __init__(self, connection: socket.socket) -> None:
        self.sendall = connection.sendall
        self._reader = LastingReader(connection.makefile("rb", buffering=0))

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return self._reader


@contextmanager
def answering(answers: Mapping[str, tuple[int, dict[str, str], object]]) -> Iterator[Any]:
    """A client of a server that answers these paths with status, headers and document, and all others with 404."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, document = answers.get(self.path, (404, {}, None))
            content = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name that the library wants

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with socket.create_connection(("127.0.0.1", server.server_port), 10) as connection:
            yield ConsulClient(Wire(connection), 8500, "")  # type: ignore[arg-type]  # asks for no more
        server.shutdown()


LEADER: dict[str, tuple[int, dict[str, str], object]] = {"/v1/status/leader": (200, {}, "10.0.0.1:8300")}


def test_a_list_that_consul_calls_filtered_is_an_error() -> None:
    entries = instance(Port=80)
    answers = {**LEADER, "/v1/health/service/a": (200, {}, entries), "/v1/health/service/b": (200, HIDDEN, entries)}
    with answering(answers) as client, pytest.raises(EngineError, match=r"hides b from .* service:read on b, and node"):
        discover(client, ["a", "b"])


def test_a_consul_that_knows_no_rights_is_believed() -> None:
    answers = {**LEADER, "/v1/health/service/a": (200, {}, []), "/v1/catalog/nodes": (200, {}, [{"Node": "n"}])}
    with answering(answers) as client:
        assert discover(client, ["a"]).registrations == {"a": ()}


@pytest.mark.parametrize("status", [404, 500])
def test_what_consul_cannot_do_is_an_error(status: int) -> None:
    answers = {**LEADER, "/v1/health/service/a": (status, {}, "no")}
    with answering(answers) as client, pytest.raises(EngineError, match=rf"no answer to /v1/health/.*status {status}"):
        discover(client, ["a"])
