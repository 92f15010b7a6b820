"""The block manager over HTTP: what is asked and answered. What is done belongs to the manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from lucid_chain import block_api
from lucid_service.api import Operation
from lucid_service.app import service_of
from lucid_service.errors import ApiError
from lucid_service.models import END, Input, Output
from msgspec import UNSET, Meta, UnsetType

from lucid_block_manager.validation import UnknownCursorError

if TYPE_CHECKING:
    from starlette.requests import Request

    from lucid_block_manager.manager import Manager

Cursor = Annotated[str, Meta(pattern=f"^[0-9a-f]{{16}}{END}", min_length=16, max_length=16)]
_UNKNOWN = "No validation goes on from there; begin again without a cursor."


class Part(Input, frozen=True):
    """Where to go on: what the answer before calls `next`; without it, from the genesis."""

    cursor: Cursor | UnsetType = UNSET


class Validated(Output, frozen=True):
    """Whether the blocks from the genesis up make one valid chain; `complaint` is about the first that does not fit.

    A request checks for some seconds: of a long chain it checks a part, is not `complete`, and says where to go on.
    """

    valid: bool
    complete: bool
    height: int
    blocks_checked: int
    complaint: str
    next: Cursor | UnsetType = UNSET


async def validate(request: Request, query: Part) -> Validated:
    """Validate the chain that is stored, or a part of it."""
    manager: Manager = service_of(request)
    try:
        report = await manager.validation.run("" if query.cursor is UNSET else query.cursor)
    except UnknownCursorError as error:
        raise ApiError(404, _UNKNOWN, {"cursor": str(error)}) from error
    return Validated(
        not report.complaint,
        report.complete,
        manager.chain.height,
        report.checked,
        report.complaint,
        report.cursor or UNSET,
    )


OPERATIONS = (
    *block_api.OPERATIONS,
    Operation(
        "GET",
        "/api/v1/blocks/validate",
        validate,
        "Validate the blocks from the genesis up",
        {200: Validated},
        query=Part,
        errors={404: _UNKNOWN},
    ),
    block_api.BY_ID,
)
