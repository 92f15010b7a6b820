"""Session anchoring: stores what is asked, brings it onto the chain, verifies claims by the chain. No HTTP."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import OrderedDict
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lucid_chain import anchors, merkle
from lucid_chain.database import Database
from lucid_chain.rpc.client import AnchoredError, EngineError, RefusedError, UnknownError
from lucid_service.health import DEGRADED, HEALTHY

from lucid_session_anchoring import store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextvars import Context
    from pathlib import Path

    from lucid_chain.blocks import Anchor
    from lucid_chain.rpc.client import EngineClient

    from lucid_session_anchoring.models import Reason, Status
    from lucid_session_anchoring.store import Anchoring

INTERVAL = 1.0
"""Seconds between two questions whether a new block has come."""
FIRST_RETRY = 0.5
LAST_RETRY = 5.0
"""Seconds until an engine that is down is asked again: the wait doubles up to this."""
_BATCH = 500

_logger = logging.getLogger(__name__)


class OtherContentError(Exception):
    """The session is anchored with another content."""

    def __init__(self, existing: Anchoring) -> None:
        super().__init__(f"the session {existing.session_id} is anchored with another content")
        self.existing = existing


@dataclass(frozen=True)
class Verdict:
    """What came of a claim; it is true if there is no `reason` against it."""

    reason: Reason
    proof_valid: bool


class SessionAnchoring:
    """The anchorings of one database, and the engine that they go to."""

    def __init__(self, database: Database, client: EngineClient) -> None:
        self._database = database
        self._client = client
        self._new = asyncio.Event()
        self._seen = ""
        self._asked: OrderedDict[str, Context] = OrderedDict()
        self.complaint = ""
        """Why no anchoring gets on, or nothing."""

    async def anchor(self, session_id: str, anchor: Anchor) -> Anchoring:
        """Store an anchoring for the chain and return it; again makes no difference. Raises OtherContentError."""
        found = await self._database.run(store.add, session_id, anchor)
        if found.anchor != anchor:
            raise OtherContentError(found)
        self._remember(session_id)
        self._new.set()
        return found

    def _remember(self, session_id: str) -> None:
        # Who asks goes on to the engine, with what is done for it; of a session from before a start nobody knows.
        self._asked[session_id] = copy_context()
        while len(self._asked) > _BATCH:
            self._asked.popitem(last=False)

    async def find(self, session_id: str) -> Anchoring | None:
        """Return the anchoring of a session."""
        return await self._database.run(store.find, session_id)

    async def counts(self) -> dict[Status, int]:
        """Return how many anchorings there are by status."""
        return await self._database.run(store.counts)

    async def verify(
        self, anchoring: Anchoring, root: str, leaf: str | None, steps: Sequence[merkle.Step] | None
    ) -> Verdict:
        """Judge the claim that a session has `root`, and that `leaf` (if any) belongs to it by the proof `steps`.

        The chain is asked anew each time: what was confirmed once may be gone from it. Raises EngineError.
        """
        proven = leaf is None or steps is None or merkle.verify(bytes.fromhex(root), bytes.fromhex(leaf), steps)
        if root != anchoring.anchor.merkle_root:
            return Verdict("wrong_root", proof_valid=False)
        if not proven:
            return Verdict("wrong_proof", proof_valid=False)
        if anchoring.status != "confirmed":
            return Verdict("not_confirmed", proof_valid=False)
        if not await self._is_on_chain(anchoring):
            return Verdict("not_on_chain", proof_valid=False)
        return Verdict("", proof_valid=True)

    async def _is_on_chain(self, anchoring: Anchoring) -> bool:
        try:
            place = await self._client.inclusion(anchoring.transaction_id, anchoring.anchor)
        except UnknownError:
            return False
        return place is not None and anchors.holds(place) and place.block_hash == anchoring.block_hash

    async def run(self) -> None:
        """Bring anchorings onto the chain, for ever; those of an earlier process first."""
        delay = FIRST_RETRY
        while True:
            self._new.clear()
            try:
                await self._submit()
                await self._confirm()
            except (EngineError, sqlite3.Error) as error:
                if not self.complaint:
                    _logger.warning("anchorings wait for the engine: %s", error)
                self.complaint = str(error) or type(error).__name__
                await asyncio.sleep(delay)
                delay = min(2 * delay, LAST_RETRY)
            else:
                self.complaint, delay = "", FIRST_RETRY
                with suppress(TimeoutError):
                    async with asyncio.timeout(INTERVAL):
                        await self._new.wait()

    async def _submit(self) -> None:
        for waiting in await self._database.run(store.with_status, "pending", _BATCH):
            status: Status = "processing"
            try:
                context = self._asked.pop(waiting.session_id, None)
                await asyncio.create_task(self._client.submit(waiting.anchor), context=context)
            except AnchoredError:
                _logger.warning("the chain has the session %s with another content", waiting.session_id)
                status = "rejected"
            except RefusedError as error:
                # One that the engine does not understand must not keep the others from it.
                _logger.error("the engine refuses the session %s: %s", waiting.session_id, error)  # noqa: TRY400
                continue
            await self._database.run(store.change, waiting.session_id, "pending", status)
            # It may be on the chain already, in the block that was seen last.
            self._seen = ""

    async def _confirm(self) -> None:
        latest = await self._client.latest_hash()
        if latest == self._seen:
            return
        processing = await self._database.run(store.with_status, "processing", _BATCH)
        for waiting in processing:
            try:
                place = await self._client.inclusion(waiting.transaction_id, waiting.anchor)
            except UnknownError:
                _logger.warning("the engine has forgotten the transaction of session %s", waiting.session_id)
                await self._database.run(store.change, waiting.session_id, "processing", "pending")
                continue
            if place is None:
                continue
            if not anchors.holds(place):
                raise EngineError(f"the engine's proof for the session {waiting.session_id} is wrong")
            await self._database.run(store.confirm, waiting.session_id, place.block.height, place.block_hash)
            _logger.info("the session %s is in block %d", waiting.session_id, place.block.height)
        # Of more than a batch the rest is in the same block, perhaps.
        self._seen = latest if len(processing) < _BATCH else ""


def condition(service: SessionAnchoring) -> str:
    """Say how it is: DEGRADED where no anchoring gets on, also if the engine's HTTP says that it is well."""
    return DEGRADED if service.complaint else HEALTHY


@asynccontextmanager
async def session_anchoring(directory: Path, client: EngineClient) -> AsyncIterator[SessionAnchoring]:
    """Open the anchorings below `directory`, and bring them onto the chain meanwhile."""
    database = Database(directory / store.FILE, store.SCHEMA)
    try:
        service = SessionAnchoring(database, client)
        running = asyncio.create_task(service.run(), name="anchoring")
        try:
            yield service
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
    finally:
        database.close()
