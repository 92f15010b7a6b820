"""The block manager over HTTP: what is asked and answered. What is done belongs to the manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lucid_chain import block_api
from lucid_service.api import Operation
from lucid_service.app import service_of
from lucid_service.models import Output

if TYPE_CHECKING:
    from starlette.requests import Request

    from lucid_block_manager.manager import Manager


class Validated(Output, frozen=True):
    """Whether all blocks that are stored make one valid chain; `complaint` is about the first that does not fit."""

    valid: bool
    height: int
    blocks_checked: int
    complaint: str


async def validate(request: Request) -> Validated:
    """Validate the chain that is stored."""
    manager: Manager = service_of(request)
    report = await manager.validation.run()
    return Validated(not report.complaint, manager.chain.height, report.checked, report.complaint)


OPERATIONS = (
    *block_api.OPERATIONS,
    Operation("GET", "/api/v1/blocks/validate", validate, "Validate every block from the genesis up", {200: Validated}),
    block_api.BY_ID,
)
