"""What the mesh controller passes to Consul and back, and what it refuses; a recording server is the Consul here."""

from __future__ import annotations

import http.client
import json
import socket
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from lucid_service_mesh_controller.consul_api import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = b'{"consul": [], "lucid-data-chain": ["phase2"]}'


class Consul:
    """What the recorded server answers; a test changes it before it asks."""

    def __init__(self) -> None:
        self.answer = (200, {"Content-Type": "application/json", "X-Consul-Index": "42", "X-Other": "1"}, SERVICES)

    def __call__(self, _method: str, _target: str) -> tuple[int, dict[str, str], bytes]:
        return self.answer


@pytest.fixture
def consul() -> Consul:
    return Consul()


@pytest.fixture
def recorder(record: Any, consul: Consul) -> Iterator[Any]:
    with record(consul) as recorder:
        yield recorder


@pytest.fixture
def url(launch: Any, recorder: Any) -> Iterator[str]:
    with launch(OPERATIONS, discovery_url=recorder.url) as url:
        yield url


def passed(recorder: Any) -> list[str]:
    """The targets that came from a request, without those of the registration."""
    return [target for target in recorder.targets("GET") if not target.startswith("/v1/agent/service/lucid-test")]


def raw_get(url: str, target: str) -> tuple[int, dict[str, Any]]:
    """Ask for exactly `target`: ordinary clients tidy paths up."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    try:
        connection.putrequest("GET", target)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    "target",
    [
        "/v1/status/leader",
        "/v1/catalog/services",
        "/v1/catalog/service/lucid-data-chain?tag=phase2&near=_agent",
        "/v1/health/state/any",
        "/v1/health/service/lucid-data-chain?passing",
        "/v1/health/service/lucid-data-chain?filter=Service.Port%20%3D%3D%208087",
        "/v1/catalog/service/a..b",
        "/v1/catalog/service/.hidden",
        "/v1/catalog/services?index=41&wait=1s",
    ],
)
def test_discovery_is_passed_through(url: str, recorder: Any, target: str) -> None:
    response = httpx2.get(url + target)
    assert (response.status_code, response.content) == (200, SERVICES)
    assert passed(recorder) == [target]


def test_headers_of_consul_and_no_others_come_back(url: str) -> None:
    headers = httpx2.get(url + "/v1/catalog/services").headers
    assert (headers["x-consul-index"], headers["content-type"]) == ("42", "application/json")
    assert "x-other" not in headers


@pytest.mark.parametrize(
    "target",
    [
        "/v1/agent/services",
        "/v1/agent/service/deregister/lucid-data-chain",
        "/v1/kv/secret",
        "/v1/status/peers",
        "/v1/catalog",
        "/v1/catalog/",
        "/v1/catalog//services",
        "/v1/catalog/services/",
        "/v1/catalog/../agent/services",
        "/v1/catalog/./services",
        "/v1/catalog/..",
        "/v1/catalog/%2e%2e/agent/services",
        "/v1/catalog/..%2fagent/services",
        "/v1/catalog/service/a%2Fb",
        "/v1/catalog/service/a%00",
        "/v1/catalog/service/a;b",
        "/v1/catalog/service/a\\b",
        "/v1/catalog%2fservices",
        "/v1/status/leader/",
        "//v1/catalog/services",
        "http://127.0.0.1/v1/catalog/services",
    ],
)
def test_everything_else_is_refused_and_never_reaches_consul(url: str, recorder: Any, target: str) -> None:
    status, body = raw_get(url, target)
    assert (status, body["error"]["code"]) == (404, "LUCID_ERR_4001")
    assert passed(recorder) == []


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/v1/catalog/register", "/v1/health/service/x", "/v1/status/leader"])
def test_nothing_can_be_changed(url: str, recorder: Any, method: str, path: str) -> None:
    response = httpx2.request(method, url + path)
    assert (response.status_code, response.json()["error"]["code"]) == (405, "LUCID_ERR_1002")
    assert all(target == "/v1/agent/service/register" for target in recorder.targets("PUT"))


@pytest.mark.parametrize(
    ("theirs", "ours", "code"),
    [
        (400, 400, "LUCID_ERR_1001"),
        (403, 403, "LUCID_ERR_2002"),
        (404, 404, "LUCID_ERR_4001"),
        (500, 502, "LUCID_ERR_5002"),
        (301, 502, "LUCID_ERR_5002"),
    ],
)
def test_refusals_of_consul(url: str, consul: Consul, theirs: int, ours: int, code: str) -> None:
    consul.answer = (theirs, {"Location": "/ui/"}, b"the reason")
    response = httpx2.get(url + "/v1/catalog/services")
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (ours, code)
    assert error["details"] == {"status": theirs, "reason": "the reason"}


def test_consul_that_is_down(launch: Any) -> None:
    with launch(OPERATIONS) as url:
        response = httpx2.get(url + "/v1/catalog/services")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "LUCID_ERR_5003")


def test_client_that_leaves_a_blocking_query_ends_it(launch: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as consul:
        consul.settimeout(5)
        with launch(OPERATIONS, discovery_url=f"http://127.0.0.1:{consul.getsockname()[1]}") as url:
            with pytest.raises(httpx2.ReadTimeout):
                httpx2.get(url + "/v1/catalog/services?index=41", timeout=0.3)
            query = accept_query(consul)
            assert query.recv(1) == b""
            query.close()


def accept_query(consul: socket.socket) -> socket.socket:
    """Return the connection of the query; those of the registration are closed."""
    while True:
        connection, _address = consul.accept()
        connection.settimeout(2)
        if connection.recv(4096).startswith(b"GET /v1/catalog/services"):
            return connection
        connection.close()
