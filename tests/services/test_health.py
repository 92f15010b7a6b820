"""What /health says of the containers that the service needs is true, and in time."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from lucid_service.config import Peer

if TYPE_CHECKING:
    from collections.abc import Callable

ENGINE = "lucid-blockchain-engine"
ALIVE = json.dumps({"status": "alive", "service": ENGINE}).encode()


def health(url: str) -> dict[str, Any]:
    response = httpx2.get(url + "/health")
    assert response.status_code == 200
    body: dict[str, Any] = response.json()
    return body


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (200, ALIVE, "healthy"),
        (503, ALIVE, "unhealthy"),
        (200, b"<html>", "unhealthy"),
        (200, b"[]", "unhealthy"),
        (200, b'{"status": "alive", "service": "lucid-data-chain"}', "unhealthy"),
        (200, b'{"status": "dying", "service": "lucid-blockchain-engine"}', "unhealthy"),
        (200, b"\xff\xfe\xfd", "unhealthy"),
    ],
)
def test_answer_of_a_peer(launch: Any, record: Any, status: int, content: bytes, expected: str) -> None:
    with record(lambda _method, _path: (status, {}, content)) as peer, launch(peers=(Peer(ENGINE, peer.url),)) as url:
        body = health(url)
    assert peer.targets("GET") == ["/health/live"]
    assert body["dependencies"] == {ENGINE: expected}
    assert body["status"] == ("healthy" if expected == "healthy" else "degraded")


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (200, b'"172.20.0.2:8300"', "healthy"),
        (200, b'""', "unhealthy"),
        (500, b"No cluster leader", "unhealthy"),
        (200, b"nonsense", "unhealthy"),
    ],
)
def test_answer_of_consul(launch: Any, record: Any, status: int, content: bytes, expected: str) -> None:
    with (
        record(lambda _method, _path: (status, {}, content)) as consul,
        launch(peers=(Peer("consul", consul.url),)) as url,
    ):
        assert health(url)["dependencies"] == {"consul": expected}
    assert consul.targets("GET") == ["/v1/status/leader"]


def test_peer_that_went_and_came_back_shows_at_once(launch: Any, record: Any, free_port: Callable[[], int]) -> None:
    port = free_port()
    with launch(peers=(Peer(ENGINE, f"http://127.0.0.1:{port}"),)) as url:
        assert health(url)["status"] == "degraded"
        with record(lambda _method, _path: (200, {}, ALIVE), port):
            assert health(url)["status"] == "healthy"
        assert health(url)["status"] == "degraded"


def test_hanging_peers_are_given_up_together_after_a_second(launch: Any, record: Any) -> None:
    release = threading.Event()

    def hang(_method: str, _path: str) -> tuple[int, dict[str, str], bytes]:
        release.wait()
        return 200, {}, ALIVE

    with record(hang) as slow, record(lambda _method, _path: (200, {}, ALIVE)) as quick:
        hanging = [f"lucid-slow-{number}" for number in range(8)]
        peers = (*(Peer(name, slow.url) for name in hanging), Peer(ENGINE, quick.url))
        with launch(peers=peers) as url:
            started = time.monotonic()
            body = health(url)
            took = time.monotonic() - started
        release.set()
    assert body["dependencies"] == dict.fromkeys(hanging, "unhealthy") | {ENGINE: "healthy"}
    # One after another they would take eight seconds.
    assert 0.9 < took < 6


def test_peer_that_drips_its_answer_is_given_up_too(launch: Any) -> None:
    done = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _address = server.accept()
        with connection, suppress(ConnectionError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            # Every single read is quick; only a deadline over the whole probe notices.
            while not done.wait(timeout=0.1):
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=drip, args=(server,))
        dripping.start()
        with launch(peers=(Peer(ENGINE, f"http://127.0.0.1:{server.getsockname()[1]}"),)) as url:
            started = time.monotonic()
            assert health(url)["dependencies"] == {ENGINE: "unhealthy"}
            # The whole answer would take 100 s.
            assert time.monotonic() - started < 20
        done.set()
        dripping.join()


def test_slow_dependency_of_a_peer_does_not_accuse_the_peer(launch: Any, record: Any) -> None:
    release = threading.Event()

    def hang(_method: str, _path: str) -> tuple[int, dict[str, str], bytes]:
        release.wait()
        return 200, {}, b""

    with record(hang) as engine:
        with (
            launch(service="lucid-session-anchoring", peers=(Peer(ENGINE, engine.url),)) as middle,
            launch(peers=(Peer("lucid-session-anchoring", middle),)) as url,
        ):
            assert health(middle)["dependencies"] == {ENGINE: "unhealthy"}
            assert health(url)["dependencies"] == {"lucid-session-anchoring": "healthy"}
        release.set()


def test_requests_at_the_same_time_share_one_probe(launch: Any, record: Any) -> None:
    everybody_asked = threading.Event()

    def wait(_method: str, _path: str) -> tuple[int, dict[str, str], bytes]:
        everybody_asked.wait(timeout=0.5)
        return 200, {}, ALIVE

    with record(wait) as peer, launch(peers=(Peer(ENGINE, peer.url),)) as url:
        threads = [threading.Thread(target=health, args=(url,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(peer.targets("GET")) <= 2
