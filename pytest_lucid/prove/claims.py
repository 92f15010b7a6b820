"""The matrix of the copy: that of the stack, with the names, ports and address pools that the copy has."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from pytest_lucid.matrix.load import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_lucid.matrix import Matrix, Service
    from pytest_lucid.prove.stack_copy import StackCopy

LOOPBACK = "127.0.0.1"
# Copies answer to the names of the originals, too, or nobody would find them.
NOT_OF_A_COPY = ("NET-ALIASES",)


def claims_of(document: dict[str, Any], matrix: Matrix, copy: StackCopy) -> str:
    """The lucid.toml of `copy`; `document` is that of the stack, merged with what it extends."""
    renamed = copy.networks
    changed = {**document, "extends": NOTHING, "without": [*document.get("without", ()), *NOT_OF_A_COPY]}
    if network := document.get("network"):
        changed["network"] = _network(network, copy)
    changed["networks"] = [_network(each, copy) for each in document.get("networks", ())]
    written = {each["name"]: each for each in document["service"]}
    # Several instances are written as one row.
    changed["service"] = [
        _row(written.get(row.name) or written[row.name.rpartition("-")[0]], row, renamed, copy)
        for row in matrix.service
    ]
    # What is not written is not demanded: an empty list of rules would be a demand.
    if "forbidden" in document:
        changed["forbidden"] = [
            {**rule, "networks": [renamed.get(name, name) for name in rule.get("networks", ())]}
            for rule in document["forbidden"]
        ]
    return "\n".join(f"{key} = {_toml(value)}" for key, value in changed.items()) + "\n"


def _network(network: dict[str, Any], copy: StackCopy) -> dict[str, Any]:
    name = network["name"]
    if name not in copy.networks:
        return network
    changed = {**network, "name": copy.networks[name]}
    # The address pools are the copy's own, as those of the stack are taken.
    for key, is_six in (("subnet", False), ("subnet6", True)):
        pools = [pool for pool in copy.subnets(name) if (":" in pool) is is_six]
        if changed.pop(key, None) and pools:
            changed[key] = pools[0]
    return changed


def _row(written: dict[str, Any], row: Service, renamed: dict[str, str], copy: StackCopy) -> dict[str, Any]:
    changed = {key: value for key, value in written.items() if key not in {"compose", "label", "instances"}}
    changed |= {"name": row.name, "container": copy.names[row.name], "needs": list(row.needs)}
    if row.ports is not None:
        changed["ports"] = [
            {
                "number": port.number,
                "scheme": port.scheme,
                **({"internal": True} if port.internal else {"published": copy.port(row.name, f"{port} {port.host}")}),
                **({"address": LOOPBACK} if port.address else {}),
            }
            for port in row.ports
        ]
    if row.networks is not None and "networks" in written:
        changed["networks"] = [renamed.get(name, name) for name in row.networks]
    for key in ("reaches", "isolated_from"):
        if said := getattr(row, key):
            changed[key] = [_renamed(text, renamed) for text in said]
    return changed


def _renamed(said: str, renamed: dict[str, str]) -> str:
    name, colon, port = said.partition(":")
    return f"{renamed.get(name, name)}{colon}{port}"


def _toml(value: Any) -> str:
    writers: dict[type, Callable[[Any], str]] = {
        dict: lambda table: "{ " + ", ".join(f"{_quoted(k)} = {_toml(v)}" for k, v in table.items()) + " }",
        str: _quoted,
        list: lambda items: "[" + ", ".join(map(_toml, items)) + "]",
        dt.date: dt.date.isoformat,
    }
    return writers.get(type(value), json.dumps)(value)


def _quoted(text: str) -> str:
    # JSON writes most characters as TOML does, but escapes some in halves, and leaves DEL as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
