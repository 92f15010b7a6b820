from __future__ import annotations

from concurrent import futures
from typing import TYPE_CHECKING

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded

from pytest_lucid.inspect.grpc_health import GrpcHealth, ask_health

if TYPE_CHECKING:
    from collections.abc import Callable


class Server:
    """A server of HTTP/2 in memory, which answers as `answer` says once it has the whole request."""

    def __init__(self, answer: Callable[[H2Connection, int], object]) -> None:
        self.connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.connection.initiate_connection()
        self.request: dict[str, str] = {}
        self._answer = answer

    def send(self, data: bytes) -> None:
        for event in self.connection.receive_data(data):
            if isinstance(event, RequestReceived):
                self.request = {str(name): str(value) for name, value in event.headers}
            if isinstance(event, StreamEnded):
                self._answer(self.connection, event.stream_id)

    def receive(self) -> bytes:
        return self.connection.data_to_send()


def says(*message: int, status: str = "0", reason: str = "") -> Callable[[H2Connection, int], None]:
    def answer(connection: H2Connection, stream: int) -> None:
        connection.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        connection.send_data(stream, b"\0" + len(message).to_bytes(4, "big") + bytes(message))
        connection.send_headers(stream, [("grpc-status", status), ("grpc-message", reason)], end_stream=True)

    return answer


def unimplemented(connection: H2Connection, stream: int) -> None:
    headers = [(":status", "200"), ("grpc-status", "12"), ("grpc-message", "Method not found!")]
    connection.send_headers(stream, headers, end_stream=True)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says(8, 1), GrpcHealth("SERVING")),
        (says(8, 2), GrpcHealth("NOT_SERVING")),
        (says(8, 3), GrpcHealth("SERVICE_UNKNOWN")),
        (says(), GrpcHealth("UNKNOWN")),
        (says(8, 77), GrpcHealth(error="the answer is not understood: 00000000020" + "84d")),
        (says(16, 1), GrpcHealth(error="the answer is not understood: 00000000021001")),
        (says(8, 1, status="14", reason="going away"), GrpcHealth(error="grpc-status 14 going away")),
        (unimplemented, GrpcHealth(error="grpc-status 12 Method not found!")),
        (lambda connection, stream: connection.reset_stream(stream, 8), GrpcHealth(error="it ended with CANCEL")),
        (lambda connection, _: connection.close_connection(), GrpcHealth(error="it ended with NO_ERROR")),
        (lambda connection, _: connection.clear_outbound_data_buffer(), GrpcHealth(error="the connection was closed")),
    ],
)
def test_answer_is_told(answer: Callable[[H2Connection, int], object], expected: GrpcHealth) -> None:
    server = Server(answer)
    assert ask_health("engine:50051", server.send, server.receive) == expected
    assert server.request[":path"] == "/grpc.health.v1.Health/Check"
    assert server.request[":authority"] == "engine:50051"


def test_what_is_not_http2_is_no_answer() -> None:
    answer = ask_health("engine:50051", lambda _: None, lambda: b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert answer.status is None
    assert "not HTTP/2" in str(answer)


def test_an_answer_without_end_is_none() -> None:
    def endless(connection: H2Connection, stream: int) -> None:
        connection.send_headers(stream, [(":status", "200")])
        connection.send_data(stream, b"\0" * 5000)

    assert ask_health("engine:50051", (server := Server(endless)).send, server.receive).status is None


def test_a_timeout_is_no_answer() -> None:
    def late() -> bytes:
        raise TimeoutError

    assert ask_health("engine:50051", lambda _: None, late) == GrpcHealth(error="TimeoutError")


def test_real_grpc_server_answers() -> None:
    grpc = pytest.importorskip("grpc")
    health = pytest.importorskip("grpc_health.v1.health")
    health_pb2_grpc = pytest.importorskip("grpc_health.v1.health_pb2_grpc")
    import socket  # noqa: PLC0415  only here

    server = grpc.server(futures.ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            found = ask_health("engine:50051", connection.sendall, lambda: connection.recv(65536))
    finally:
        server.stop(None)
    assert found == GrpcHealth("SERVING")
