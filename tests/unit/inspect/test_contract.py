from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from pytest_lucid.errors import MissingError
from pytest_lucid.inspect.contract import Contract, Operation, read_contract
from pytest_lucid.inspect.http import Response

HASH = {"type": "string", "pattern": r"^[0-9a-f]{64}(?![\s\S])", "minLength": 64, "maxLength": 64}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/chunks/{hash}/{index}": {
            "get": {
                "parameters": [
                    {"name": "hash", "in": "path", "required": True, "schema": HASH},
                    {
                        "name": "index",
                        "in": "path",
                        "required": True,
                        "schema": {"$ref": "#/components/schemas/Index"},
                    },
                    {"name": "count", "in": "query", "schema": {"type": "integer"}},
                ],
                "responses": {
                    "200": {
                        "description": "OK",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Chunk"}}},
                    },
                    "206": {"description": "Part", "content": {"*/*": {}}},
                    "204": {"description": "Empty"},
                    "503": {"description": "Down"},
                    "default": {
                        "description": "Error",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                    },
                },
            },
            "head": {"responses": {"200": {"description": "OK", "content": {"application/json": {"schema": False}}}}},
            "put": {"requestBody": {}, "responses": {}},
        }
    },
    "components": {
        "schemas": {
            "Index": {"type": "integer", "minimum": 1},
            "Chunk": {
                "type": "object",
                "properties": {"size": {"type": "integer"}, "next": {"$ref": "#/components/schemas/Chunk"}},
                "required": ["size"],
            },
            "Error": {"type": "object", "required": ["error"]},
        }
    },
}
CONTRACT = Contract(DOCUMENT)
GET, HEAD, PUT = CONTRACT.operations


def answer(status: int | None, body: Any = None, media: str = "application/json") -> Response:
    now = dt.datetime.now(dt.timezone.utc)
    return Response(
        "http://x", now, status, body=body, error=None if status else "gone", headers={"content-type": media}
    )


def test_operations_are_read() -> None:
    assert [str(each) for each in CONTRACT.operations] == [
        f"{method} /chunks/{{hash}}/{{index}}" for method in ("GET", "HEAD", "PUT")
    ]
    assert [each.takes_body for each in (GET, HEAD, PUT)] == [False, False, True]


def test_sample_has_what_the_schemas_take() -> None:
    assert CONTRACT.sample_path(GET) == f"/chunks/{'0' * 64}/1"


def test_parameter_without_schema_is_filled() -> None:
    assert CONTRACT.sample_path(Operation("GET", "/{rest}", {"responses": {}})) == "/unknown"


@pytest.mark.parametrize(
    "kept",
    [
        answer(200, {"size": 1}),
        answer(200, {"size": 1, "next": {"size": 2, "next": {"size": 3}}}),
        answer(200, {"size": 1}, "application/json; charset=utf-8"),
        answer(204),
        answer(206, media="application/octet-stream"),
        answer(404, {"error": {}}),
        answer(503, "anything", "text/plain"),
    ],
)
def test_kept(kept: Response) -> None:
    assert CONTRACT.problems(GET, kept) == []


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (answer(None), "gone"),
        (answer(200, {}), "'size' is a required property"),
        (answer(200, {"size": 1, "next": {"size": "2"}}), "$.next.size: '2' is not of type 'integer'"),
        (answer(200, None), "None is not of type 'object'"),
        (answer(200, {"size": 1}, "text/html"), "200 with text/html, promised is application/json"),
        (answer(404, {"detail": "Not Found"}), "'error' is a required property"),
        (answer(500, {"error": {}}), "answers 500, promised are 200, 206, 204, 503, default"),
    ],
)
def test_broken(broken: Response, expected: str) -> None:
    (problem,) = CONTRACT.problems(GET, broken)
    assert expected in problem


def test_head_has_no_body_to_judge() -> None:
    assert CONTRACT.problems(HEAD, answer(200)) == []


@pytest.mark.parametrize("body", [None, {}, {"openapi": "3.0.3", "paths": {}}, {"openapi": "3.1.0", "paths": []}])
def test_what_is_no_document_is_missing(body: Any) -> None:
    with pytest.raises(MissingError, match=r"expected an OpenAPI 3\.1 document"):
        read_contract(answer(200, body))
