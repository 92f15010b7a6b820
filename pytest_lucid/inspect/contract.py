"""The OpenAPI document of a service, read as what it promises; whether it keeps that is judged by JSON Schema.

OpenAPI 3.1 is JSON Schema 2020-12 for every body and parameter, so the library jsonschema judges all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from pytest_lucid.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_lucid.inspect.http import Response

METHODS = ("get", "head", "post", "put", "delete", "patch")
DOCUMENT = "urn:document"
# What is tried, in this order, for a parameter: the first that its schema takes. None names anything that is there.
SAMPLES: Sequence[Any] = ("unknown", "0" * 64, 0, 1, "0")
SERVER_ERROR = 500
# What no JSON parser takes, and whose hash is not that of any name tried here.
NO_BODY = b"{ no JSON"


@dataclass(frozen=True)
class Operation:
    """One method on one path; `document` is what OpenAPI calls an Operation Object."""

    method: str
    route: str
    document: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        """Return both, for messages."""
        return f"{self.method} {self.route}"

    @property
    def takes_body(self) -> bool:
        """Whether a request has a body."""
        return "requestBody" in self.document


class Contract:
    """What the document of one service promises."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._registry: Registry[Any] = Registry().with_resource(DOCUMENT, DRAFT202012.create_resource(document))

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation, in the order of the document."""
        return tuple(
            Operation(method.upper(), route, item[method])
            for route, item in self._document["paths"].items()
            for method in METHODS
            if method in item
        )

    def sample_path(self, operation: Operation) -> str:
        """The path of an operation, with parameters that its schemas take and that name nothing."""
        values = {
            parameter["name"]: next((str(s) for s in SAMPLES if not list(self._misfits(parameter["schema"], s))), "0")
            for parameter in operation.document.get("parameters", ())
            if parameter["in"] == "path"
        }
        return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], "unknown"), operation.route)

    def problems(self, operation: Operation, answer: Response) -> list[str]:
        """What in `answer` is not as promised; empty where all is.

        An error of the client may be of any kind, in the one form that the document has for it; one of the server must
        be promised by its number.
        """
        if answer.status is None:
            return [f"{operation}: {answer.error}"]
        responses = operation.document["responses"]
        default = responses.get("default") if answer.status < SERVER_ERROR else None
        promised = responses.get(str(answer.status), default)
        if promised is None:
            return [f"{operation}: answers {answer.status}, promised are {', '.join(responses)}"]
        content = promised.get("content")
        if operation.method == "HEAD" or not content:
            return []
        media = answer.headers.get("content-type", "").partition(";")[0].strip()
        wanted = content.get(media, content.get("*/*"))
        if wanted is None:
            return [f"{operation}: {answer.status} with {media or 'no type'}, promised is {', '.join(content)}"]
        misfits = self._misfits(wanted["schema"], answer.body) if "schema" in wanted else ()
        return [f"{operation}: {answer.status}: {misfit}" for misfit in misfits]

    def _misfits(self, schema: Mapping[str, Any], value: Any) -> Iterator[str]:
        # References are within the document; a schema by itself has another root.
        within = {"$id": f"{DOCUMENT}:part", **_absolute(schema)}
        for error in Draft202012Validator(within, registry=self._registry).iter_errors(value):
            yield f"{error.json_path}: {error.message[:200]}"


def read_contract(answer: Response) -> Contract:
    """Read the document; raises MissingError where the answer is none of OpenAPI 3.1."""
    version = str(answer.document.get("openapi", ""))
    if not version.startswith("3.1.") or not isinstance(answer.document.get("paths"), dict):
        raise MissingError(f"{str(answer.demand())[:200]}; expected an OpenAPI 3.1 document")
    return Contract(answer.document)


def _absolute(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: f"{DOCUMENT}{v}" if k == "$ref" else _absolute(v) for k, v in schema.items()}
    return [_absolute(each) for each in schema] if isinstance(schema, list) else schema
