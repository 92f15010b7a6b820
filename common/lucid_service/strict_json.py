"""JSON of others, decoded into msgspec types within bounds; what to answer is the caller's business."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

DEEPEST = 32
"""Nested arrays and objects. Lucid's own bodies need 5, Consul's 6."""

_T = TypeVar("_T")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|([\[{])|([\]}])', re.DOTALL)


class JsonError(ValueError):
    """The text is no JSON, or nested too deep."""


class ShapeError(JsonError):
    """The text is JSON, but not of the type that is expected; the message names the place."""


def decode(text: bytes, kind: type[_T]) -> _T:
    """Return `text` as a `kind`. Raises JsonError or ShapeError; the size of `text` is bounded by the caller."""
    _refuse_depth(text)
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise ShapeError(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JsonError(str(error)) from error


def _refuse_depth(text: bytes) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[1]:
            depth += 1
            if depth > DEEPEST:
                raise JsonError(f"nested deeper than {DEEPEST} arrays and objects")
        elif token[2]:
            depth -= 1
