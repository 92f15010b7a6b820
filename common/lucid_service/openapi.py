"""The OpenAPI 3.1 document of a service, built from its operations; what they do belongs to the service."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from lucid_service.api import Media
from lucid_service.models import ErrorBody

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lucid_service.api import Operation

_REFERENCE = "#/components/schemas/{name}"
_CONVERTOR = re.compile(r"\{(\w+):\w+\}")


def document(service: str, version: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the document as JSON objects."""
    operations = tuple(operations)
    types = list(dict.fromkeys((ErrorBody, *(kind for operation in operations for kind in _types(operation)))))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    by_type = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        route = _CONVERTOR.sub(r"{\1}", operation.route)
        paths.setdefault(route, {})[operation.method.lower()] = _operation(operation, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": service, "version": version},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _types(operation: Operation) -> Iterator[Any]:
    for kind in (operation.path, operation.query, operation.body, *operation.answers.values()):
        if kind is not None and not isinstance(kind, Media):
            yield kind


def _operation(
    operation: Operation, schemas: Mapping[Any, dict[str, Any]], components: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    about: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', operation.route).rstrip('_')}",
        "summary": operation.summary,
    }
    parameters: list[dict[str, Any]] = []
    for place in ("path", "query"):
        kind = getattr(operation, place)
        if kind is not None:
            name = str(schemas[kind]["$ref"]).rpartition("/")[2]
            parameters += _parameters(place, components[name])
    if parameters:
        about["parameters"] = parameters
    if operation.body is not None:
        about["requestBody"] = {"required": True, "content": _content(operation.body, schemas)}
    if operation.token:
        about["security"] = [{"token": []}]
    error = {"content": _content(ErrorBody, schemas)}
    about["responses"] = {
        **{str(status): _response(status, kind, schemas) for status, kind in operation.answers.items()},
        **{str(status): {"description": reason, **error} for status, reason in operation.errors.items()},
        "default": {"description": "Any other error", **error},
    }
    return about


def _parameters(place: str, schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, of_value in schema["properties"].items():
        yield {"name": name, "in": place, "required": name in schema.get("required", ()), "schema": of_value}


def _response(status: int, kind: Any, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    description = HTTPStatus(status).phrase
    return (
        {"description": description}
        if kind is None
        else {
            "description": description,
            "content": _content(kind, schemas),
        }
    )


def _content(kind: Any, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    if isinstance(kind, Media):
        return {kind.type: {}}
    return {"application/json": {"schema": schemas[kind]}}
