"""Health, errors and request ids over a real socket."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from lucid_service.errors import ApiError, error_code
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request


async def broken(_request: Request) -> Response:
    raise RuntimeError("a secret of the inside")


async def picky(_request: Request) -> Response:
    raise ApiError(422, "The height must be a number.", {"field": "height"})


async def fine(_request: Request) -> Response:
    return JSONResponse({"fine": True})


@pytest.fixture
def url(launch: Callable[..., Any]) -> Iterator[str]:
    routes = [Route("/api/v1/broken", broken), Route("/api/v1/picky", picky), Route("/api/v1/fine", fine)]
    with launch(routes=routes) as url:
        yield url


def is_now(timestamp: str) -> bool:
    answer = datetime.fromisoformat(timestamp)
    return answer.utcoffset() == timedelta(0) and abs(datetime.now(timezone.utc) - answer) < timedelta(seconds=5)


def test_health_has_the_documented_shape(url: str) -> None:
    response = httpx2.get(url + "/health")
    body = response.json()
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert is_now(body.pop("timestamp"))
    assert body == {"status": "healthy", "service": "lucid-test", "version": "1.2.3", "dependencies": {}}


def test_live_answers_for_the_process_only(url: str) -> None:
    body = httpx2.get(url + "/health/live").json()
    assert is_now(body.pop("timestamp"))
    assert body == {"status": "alive", "service": "lucid-test", "version": "1.2.3"}


def test_routes_of_the_service_are_served(url: str) -> None:
    assert httpx2.get(url + "/api/v1/fine").json() == {"fine": True}


@pytest.mark.parametrize(
    ("ask", "status", "code", "details"),
    [
        ("GET /nowhere", 404, "LUCID_ERR_4001", {"method": "GET", "path": "/nowhere"}),
        ("GET /health/", 404, "LUCID_ERR_4001", {"method": "GET", "path": "/health/"}),
        ("POST /health", 405, "LUCID_ERR_1002", {"method": "POST", "path": "/health"}),
        ("GET /api/v1/broken", 500, "LUCID_ERR_5001", {}),
        ("GET /api/v1/picky", 422, "LUCID_ERR_1001", {"field": "height"}),
    ],
)
def test_errors_have_lucids_format(url: str, ask: str, status: int, code: str, details: dict[str, str]) -> None:
    method, path = ask.split()
    response = httpx2.request(method, url + path, headers={"X-Request-ID": "abc-1"})
    error = response.json()["error"]
    assert response.status_code == status
    assert is_now(error.pop("timestamp"))
    assert error.pop("message")
    assert error == {
        "code": code,
        "details": details,
        "request_id": "abc-1",
        "service": "lucid-test",
        "version": "1.2.3",
    }
    assert response.headers.get_list("x-request-id") == ["abc-1"]


def test_405_says_what_is_allowed(url: str) -> None:
    assert set(httpx2.delete(url + "/health").headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_an_unexpected_error_tells_nothing_of_the_inside(url: str) -> None:
    assert "secret" not in httpx2.get(url + "/api/v1/broken").text


@pytest.mark.parametrize("offered", ["a", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "trace:1.2_x", "x" * 128])
def test_sane_request_id_is_kept(url: str, offered: str) -> None:
    assert httpx2.get(url + "/health", headers={"X-Request-ID": offered}).headers["x-request-id"] == offered


@pytest.mark.parametrize("offered", ["", "x" * 129, "a b", "{a}", "-a", 'a"b'])
def test_other_request_ids_are_replaced(url: str, offered: str) -> None:
    returned = httpx2.get(url + "/health", headers={"X-Request-ID": offered}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", returned)


def test_every_request_has_its_own_id_on_one_connection(url: str) -> None:
    with httpx2.Client() as client:
        ids = {client.get(url + path).headers["x-request-id"] for path in ("/health", "/health", "/nowhere")}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "LUCID_ERR_2001"), (429, "LUCID_ERR_3001"), (418, "LUCID_ERR_1000"), (599, "LUCID_ERR_5000")],
)
def test_first_digit_of_a_code_tells_its_kind(status: int, code: str) -> None:
    assert error_code(status) == code
