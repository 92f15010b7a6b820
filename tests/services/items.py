"""A service of one operation, for tests of what every service has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lucid_service.api import Operation
from lucid_service.models import Input, Output

if TYPE_CHECKING:
    from starlette.requests import Request


class Item(Input, frozen=True):
    height: int


class Stored(Output, frozen=True):
    height: int


async def post(_request: Request, body: Item) -> Stored:
    return Stored(body.height)


STORE = Operation("POST", "/items", post, "Store", {202: Stored}, body=Item)
# The beginning of a request for it.
POST = b"POST /items HTTP/1.1\r\nHost: x\r\n"
