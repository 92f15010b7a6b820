"""The page of the matrix, docs/matrix.md, made from its types: every key, what it may be, and what it demands."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any

from pytest_lucid.matrix import demands, excuses, forbidden, model, service, swarm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

HEAD = """# The matrix

Made by `nox -s docs` from the types that read `lucid.toml`. Every key is optional where no other default is given: what
is not written is not demanded, and no check is made of it. A key of the first table may stand at the top, for all
services, or in a row, for one: the row's own keys win, and tables are merged key by key. What a row is `without` it
does not take over.

`extends` names the packaged matrix, or several in a list, on top of which a file stands: `lucid` (Phase 2, the
default), `platform` (what Lucid demands of any service, without rows), `distroless`, `hardened`, or `nothing`.

"""
TYPES = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "true or false",
    "object": "table",
}
PAGES: tuple[tuple[str, type[BaseModel], type[BaseModel] | None], ...] = (
    ("What may be demanded of every service, or of one", demands.Demands, None),
    ("`[health]`", demands.Health, None),
    ("`[api]`", demands.Interface, None),
    ("`[contract]`", demands.ContractVariables, None),
    ("`[hardening]`", demands.Hardening, None),
    ("`[image]`, in a row `content`", demands.ImagePolicy, None),
    ("`[[service]]`", service.Service, demands.Demands),
    ("`ports` of a row", service.Port, None),
    ("`compose` of a row", service.ComposeService, None),
    ("The top", model.Matrix, demands.Demands),
    ("`[network]` and `[[networks]]`", model.Network, None),
    ("`[consul]`", model.Consul, None),
    ("`[stack]`", swarm.Stack, None),
    ("`[[forbidden]]`", forbidden.Forbidden, None),
    ("`[[waiver]]`", excuses.Waiver, None),
    ("`[hadolint]`", excuses.Hadolint, None),
    ("`[[ignore]]`", excuses.PathIgnore, None),
)


def matrix() -> str:
    """The whole page."""
    return HEAD + "\n".join(_section(title, kind, shared) for title, kind, shared in PAGES)


def _section(title: str, kind: type[BaseModel], shared: type[BaseModel] | None) -> str:
    known = shared.model_fields if shared else {}
    written = kind.model_json_schema()["properties"]
    rows = [_row(name, field, written[name]) for name, field in kind.model_fields.items() if name not in known]
    about = cleandoc(kind.__doc__ or "")
    return "\n".join(
        [
            f"## {title}",
            "",
            about,
            "",
            "| key | type | default | what it says |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _row(name: str, field: FieldInfo, schema: Mapping[str, Any]) -> str:
    default = "needed" if field.is_required() else "" if field.default is None else _shown(field)
    return f"| `{name}` | {_type(schema)} | {default} | {field.description or ''} |"


def _shown(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    return "" if value in ((), {}, "") else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(schema: Mapping[str, Any]) -> str:
    """The type as people write it in TOML, from its JSON schema."""
    shown = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    match shown:
        case {"enum": words}:
            return ", ".join(f"`{word}`" for word in words)
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}"
        case {"type": "string", "format": form}:
            return "date" if form == "date" else "subnet"
        case {"type": kind}:
            return TYPES[kind]
    return "table"
