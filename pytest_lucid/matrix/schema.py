"""The JSON schema of lucid.toml, made from the types of the matrix, for editors that complete and check TOML files."""

from __future__ import annotations

from typing import Any

from pytest_lucid.matrix.load import NOTHING, PROFILES
from pytest_lucid.matrix.model import Matrix

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def lucid_schema() -> dict[str, Any]:
    """The schema of a file that extends the packaged matrix: nothing is required at the top, or in a named row.

    Rules between rows (unique ports, needs without a circle) are not in the schema; reading the file checks them.
    """
    schema = Matrix.model_json_schema()
    definitions = schema["$defs"]
    extended = {"Matrix": schema, **{name: definitions[name] for name in ("Network", "Consul", "Stack")}}
    for definition in extended.values():
        definition.pop("required", None)
    # A row of the packaged matrix is recognised by its name, and keeps what the file does not change.
    definitions["Service"]["required"] = ["name"]
    schema["properties"]["extends"] = {
        "anyOf": [{"enum": [*PROFILES, NOTHING]}, {"items": {"enum": list(PROFILES)}, "minItems": 1, "type": "array"}],
        "default": "lucid",
        "description": "The matrix, or several, that this file extends; with nothing, the file is the whole matrix.",
    }
    # A check or an editor may find at least one row missing only where the file is the whole matrix.
    schema["properties"]["service"].pop("minItems", None)
    return {"$schema": DIALECT, "title": "lucid.toml", **{k: v for k, v in schema.items() if k != "title"}}
