"""Operations: what reaches a handler, what does not, and that the OpenAPI document says so."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Annotated, Any

import httpx2
import pytest
from lucid_service.api import BINARY, Operation, routes_of, stream_of
from lucid_service.errors import ApiError
from lucid_service.models import Hash, Input, Output
from msgspec import Meta
from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.requests import Request
    from starlette.responses import Response


class Item(Input, frozen=True):
    height: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    names: Annotated[tuple[str, ...], Meta(max_length=3)] = ()


class ByHash(Input, frozen=True):
    hash: Hash


class Page(Input, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Stored(Output, frozen=True):
    height: int


async def post(_request: Request, body: Item) -> Stored:
    if body.height == 7:
        raise ApiError(409, "There is one.", {"height": 7})
    return Stored(body.height)


async def one(_request: Request, path: ByHash, query: Page) -> Stored:
    return Stored(len(path.hash) + query.limit)


async def mirror(request: Request) -> Response:
    kept = [piece async for piece in stream_of(request, 100_000)]

    async def pieces() -> AsyncIterator[bytes]:
        for piece in kept:
            yield piece

    return StreamingResponse(pieces(), media_type=BINARY.type)


async def count(request: Request) -> Stored:
    return Stored(sum([len(piece) async for piece in stream_of(request, 100_000)]))


OPERATIONS = (
    Operation("POST", "/api/v1/items", post, "Store", {202: Stored}, body=Item, errors={409: "There is one"}),
    Operation("GET", "/api/v1/items/{hash}", one, "One", {200: Stored}, path=ByHash, query=Page),
    Operation("PUT", "/api/v1/items/{hash}", count, "Count", {201: Stored}, body=BINARY),
    Operation("POST", "/api/v1/mirror", mirror, "Mirror", {200: BINARY}, body=BINARY),
)
HASH = "ab" * 32


@pytest.fixture(scope="module")
def url(module_launch: Any) -> Iterator[str]:
    with module_launch(OPERATIONS) as url:
        yield url


def error(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()["error"]
    assert (answer["code"], answer["service"]) == (code, "lucid-test")
    assert answer["request_id"] == response.headers["x-request-id"]
    return answer


def test_answer_has_the_first_status(url: str) -> None:
    response = httpx2.post(url + "/api/v1/items", json={"height": 3})
    assert (response.status_code, response.json()) == (202, {"height": 3})
    assert response.headers["content-type"] == "application/json"


def test_path_and_query_are_parsed(url: str) -> None:
    assert httpx2.get(f"{url}/api/v1/items/{HASH}").json() == {"height": 84}
    assert httpx2.get(f"{url}/api/v1/items/{HASH}?limit=5").json() == {"height": 69}


@pytest.mark.parametrize(
    "path",
    [
        "AB" * 32,
        HASH[1:],
        HASH + "0",
        HASH + "%0A",
        HASH[:-1] + "%00",
        "x" * 64,
        "%F0%9F%98%80",
        f"{HASH}?limit=0",
    ]
    + [f"{HASH}?limit={text}" for text in ("101", "x", "", "9" * 5000, "1.5")]
    + [f"{HASH}?unknown=1"],
)
def test_path_or_query_out_of_its_type(url: str, path: str) -> None:
    connection = httpx2.Client()
    request = httpx2.Request("GET", httpx2.URL(url).copy_with(raw_path=f"/api/v1/items/{path}".encode()))
    assert "reason" in error(connection.send(request), 422, "LUCID_ERR_1001")["details"]
    connection.close()


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"{",
            b'{"height": 1} {}',
            b"\xff\xfe",
            b"{'height': 1}",
            b'{"height": NaN}',
            b"[" * 100_000,
            b'{"a":' * 100_000,
        ),
        b'{"height": 1, "names": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"height": 1\0}',
    ],
)
def test_body_that_is_no_json(url: str, content: bytes) -> None:
    response = httpx2.post(url + "/api/v1/items", content=content, headers={"Content-Type": "application/json"})
    assert error(response, 400, "LUCID_ERR_1001")["message"] == "The body is not JSON."


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("[]", ""),
        ("null", ""),
        ("{}", "height"),
        ('{"height": "1"}', "$.height"),
        ('{"height": -1}', "$.height"),
        ('{"height": 1.5}', "$.height"),
        ('{"height": true}', "$.height"),
        ('{"height": 9223372036854775808}', "$.height"),
        ('{"height": 1e400}', ""),
        ('{"height": 1, "names": ["a", "b", "c", "d"]}', "$.names"),
        ('{"height": 1, "names": [1]}', "$.names[0]"),
        ('{"height": 1, "unknown": 1}', "unknown"),
    ],
)
def test_body_out_of_its_type(url: str, content: str, place: str) -> None:
    response = httpx2.post(url + "/api/v1/items", content=content)
    assert place in error(response, 422, "LUCID_ERR_1001")["details"]["reason"]


def test_body_of_another_type_of_content(url: str) -> None:
    response = httpx2.post(url + "/api/v1/items", content="{}", headers={"Content-Type": "text/xml"})
    assert error(response, 415, "LUCID_ERR_1004")["details"] == {"expected": "application/json"}


@pytest.mark.parametrize("declared", [True, False])
def test_body_beyond_the_bound(url: str, *, declared: bool) -> None:
    content = b" " * ((1 << 20) + 1)
    pieces = (content[at : at + 65536] for at in range(0, len(content), 65536))
    response = httpx2.post(url + "/api/v1/items", content=content if declared else pieces)
    assert error(response, 413, "LUCID_ERR_1003")["details"] == {"largest": 1 << 20}


def test_body_at_the_bound(url: str) -> None:
    assert httpx2.post(url + "/api/v1/items", content=b'{"height": 3}'.ljust(1 << 20)).status_code == 202


def test_error_of_a_handler(url: str) -> None:
    assert error(httpx2.post(url + "/api/v1/items", json={"height": 7}), 409, "LUCID_ERR_4002")["details"] == {
        "height": 7
    }


def test_405_names_all_methods_of_the_path(url: str) -> None:
    response = httpx2.patch(f"{url}/api/v1/items/{HASH}")
    error(response, 405, "LUCID_ERR_1002")
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "PUT"}


def test_binary_body_is_streamed_within_its_bound(url: str) -> None:
    assert httpx2.put(f"{url}/api/v1/items/{HASH}", content=b"x" * 100_000).json() == {"height": 100_000}
    error(httpx2.put(f"{url}/api/v1/items/{HASH}", content=b"x" * 100_001), 413, "LUCID_ERR_1003")
    assert httpx2.post(url + "/api/v1/mirror", content=b"xyz" * 1000).content == b"xyz" * 1000


def test_client_that_leaves_in_the_middle_of_its_body_is_no_error_of_the_service(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
        client.sendall(b"POST /api/v1/items HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert httpx2.get(url + "/health").status_code == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_document_has_every_operation_with_its_types(url: str) -> None:
    document = httpx2.get(url + "/openapi.json").json()
    assert (document["openapi"], document["info"]) == ("3.1.0", {"title": "lucid-test", "version": "1.2.3"})
    assert {"/health", "/health/live", "/metrics", "/openapi.json"} < set(document["paths"])
    item = document["paths"]["/api/v1/items/{hash}"]
    assert set(item) == {"get", "put"}
    places = {(one["name"], one["in"], one["required"]) for one in item["get"]["parameters"]}
    assert places == {("hash", "path", True), ("limit", "query", False)}
    stored = document["paths"]["/api/v1/items"]["post"]
    assert set(stored["responses"]) == {"202", "409", "default"}
    reference = stored["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert document["components"]["schemas"][reference.rpartition("/")[2]]["required"] == ["height"]


def test_metrics_count_by_route_and_never_by_what_clients_make_up(url: str) -> None:
    for number in range(20):
        httpx2.get(f"{url}/api/v1/items/{number:064x}")
        httpx2.request(f"MADE{number}", f"{url}/up/{number}")
    text = httpx2.get(url + "/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("lucid_http_requests_total")]
    assert any('method="GET",route="/api/v1/items/{hash}",status="200"' in line for line in lines)
    assert not [line for line in lines if "MADE" in line or "/up/" in line]
    assert len(lines) < 40
    assert "process_resident_memory_bytes" in text


def test_operation_and_handler_that_disagree_are_refused() -> None:
    with pytest.raises(TypeError, match="POST /x"):
        Operation("POST", "/x", post, "No body is declared", {200: Stored})
    with pytest.raises(TypeError, match="twice"):
        routes_of((OPERATIONS[0], OPERATIONS[0]))


def test_answers_are_json_that_other_readers_read(url: str) -> None:
    assert json.loads(httpx2.get(url + "/openapi.json").text)["paths"]
