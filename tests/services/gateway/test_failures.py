"""What the gateway does when a service, or Consul, fails, misbehaves or moves."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from gateway_facts import DATA, ENGINE, error


def test_error_of_a_service_is_passed_on(url: str) -> None:
    actual = error(httpx2.get(f"{url}/api/v1/chunks/broken"), 500, "LUCID_ERR_5001")
    assert actual["service"] == DATA


def test_service_without_a_healthy_instance(url: str, consul: Any) -> None:
    consul.instances[ENGINE] = [("127.0.0.1", 1, False)]
    response = httpx2.get(f"{url}/api/v1/chain/info")
    assert error(response, 503, "LUCID_ERR_5003")["details"] == {"service": ENGINE}
    assert response.headers["retry-after"]
    assert httpx2.get(f"{url}/api/v1/blocks/latest").status_code == 200


def test_instance_that_moves_is_followed(
    start: Any, consul: Any, launch: Any, operations: Any, eventually: Any
) -> None:
    with start() as url, launch(operations, service="lucid-moved") as moved:
        assert httpx2.get(f"{url}/api/v1/chain/info").json()["service"] == DATA
        consul.instances[ENGINE] = [("127.0.0.1", int(moved.rpartition(":")[2]), True)]
        eventually(lambda: httpx2.get(f"{url}/api/v1/chain/info").json()["service"] == "lucid-moved", 10)


def test_consul_that_is_down_is_no_reason_to_forget(url: str, consul: Any) -> None:
    assert httpx2.get(f"{url}/api/v1/chain/info").status_code == 200
    consul.broken = True
    time.sleep(3.1)  # The last answer of Consul is no longer fresh.
    assert httpx2.get(f"{url}/api/v1/chain/info").status_code == 200


def test_circuit_opens_after_five_failures_and_others_go_on(url: str, consul: Any, free_port: Any) -> None:
    consul.instances[ENGINE] = [("127.0.0.1", free_port(), True)]
    for _turn in range(5):
        error(httpx2.get(f"{url}/api/v1/chain/info"), 502, "LUCID_ERR_5002")
    response = httpx2.get(f"{url}/api/v1/chain/info")
    error(response, 503, "LUCID_ERR_5003")
    assert 1 <= int(response.headers["retry-after"]) <= 30
    assert httpx2.get(f"{url}/api/v1/blocks/latest").status_code == 200
    circuits = httpx2.get(url + "/health/circuits").json()["circuits"]
    assert circuits[ENGINE] == {"state": "open", "failures": 5}
    assert circuits["lucid-block-manager"] == {"state": "closed", "failures": 0}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", 502),
        (b"nonsense\r\n\r\n", 502),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 502),
        (b"HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\n<html>", 502),
        (b"HTTP/1.1 404 No\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70000, 502),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"Content-Length: 0\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 502),
    ],
)
def test_service_that_misbehaves(url: str, consul: Any, answer: bytes, status: int) -> None:
    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _address = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        consul.instances[ENGINE] = [("127.0.0.1", server.getsockname()[1], True)]
        error(httpx2.get(f"{url}/api/v1/chain/info"), status, "LUCID_ERR_5002")
        assert httpx2.get(f"{url}/api/v1/blocks/latest").status_code == 200
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_service_that_breaks_off_in_the_middle_ends_the_connection(url: str, consul: Any) -> None:
    def serve(server: socket.socket) -> None:
        connection, _address = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        consul.instances[ENGINE] = [("127.0.0.1", server.getsockname()[1], True)]
        with pytest.raises(httpx2.RemoteProtocolError):
            httpx2.get(f"{url}/api/v1/chain/info")
        thread.join()
    assert httpx2.get(url + "/health/circuits").json()["circuits"][ENGINE]["failures"] == 1


def test_service_that_started_anew_is_asked_over_a_new_connection(
    url: str, consul: Any, free_port: Any, launch: Any, operations: Any
) -> None:
    port = free_port()
    consul.instances[ENGINE] = [("127.0.0.1", port, True)]
    for _turn in range(2):
        with launch(operations, port=port):
            assert httpx2.get(f"{url}/api/v1/chain/info").status_code == 200
