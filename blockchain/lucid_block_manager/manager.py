"""The block manager: follows the engine, keeps every valid block, validates all of them. Neither HTTP nor gRPC."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from lucid_chain.chain import Chain
from lucid_chain.rpc.client import EngineError, UnknownError
from lucid_chain.rules import InvalidBlockError
from lucid_service.health import DEGRADED, HEALTHY, UNHEALTHY

from lucid_block_manager.validation import Validation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lucid_chain.rpc.client import EngineClient

FIRST_RETRY = 0.5
LAST_RETRY = 5.0
"""Seconds until the engine is asked again: the wait doubles up to this."""

_logger = logging.getLogger(__name__)


class DivergedError(Exception):
    """The engine's chain is not a continuation of the stored one; the message says where."""


class Manager:
    """Keeps `chain` equal to the engine's."""

    def __init__(self, chain: Chain, client: EngineClient) -> None:
        self.chain = chain
        self.validation = Validation(chain)
        self._client = client
        self._problem = "the engine has not been asked yet"
        self._diverged = False

    @property
    def complaint(self) -> str:
        """Why no blocks come, or nothing."""
        return self._problem or self.chain.overdue

    @property
    def condition(self) -> str:
        """How it is: UNHEALTHY where its chain is not the engine's, which only an operator can change."""
        if self._diverged:
            return UNHEALTHY
        return DEGRADED if self.complaint else HEALTHY

    async def run(self) -> None:
        """Follow the engine for ever. What is stored is never replaced: a chain that differs is for an operator."""
        delay = FIRST_RETRY
        while True:
            before = self.chain.height
            try:
                await self._follow()
            except (EngineError, InvalidBlockError, DivergedError, sqlite3.Error) as error:
                # An engine that is away meanwhile says nothing about whose chain is right.
                self._diverged |= isinstance(error, (InvalidBlockError, DivergedError))
                self._complain(str(error) or type(error).__name__)
            delay = FIRST_RETRY if self.chain.height > before else min(2 * delay, LAST_RETRY)
            await asyncio.sleep(delay)

    async def _follow(self) -> None:
        await self._compare()
        self._diverged = False
        self._complain("")
        async with aclosing(self._client.blocks(self.chain.height + 1)) as blocks:
            async for block in blocks:
                await self.chain.add(block)

    async def _compare(self) -> None:
        """Raise DivergedError unless the engine has the newest block that is stored."""
        state = self.chain.state
        if state is None:
            await self._client.latest_hash()
            return
        try:
            block = await self._client.block_at(state.tip.height)
        except UnknownError as error:
            raise DivergedError(f"the engine has no block {state.tip.height}, which is stored here") from error
        if block.hash != state.tip_hash:
            raise DivergedError(f"block {state.tip.height} of the engine is {block.hash}, stored is {state.tip_hash}")

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._problem:
            _logger.warning("does not follow the engine: %s", complaint)
        elif self._problem and not complaint:
            _logger.info("follows the engine from block %d on", self.chain.height + 1)
        self._problem = complaint


@asynccontextmanager
async def manager(directory: Path, client: EngineClient) -> AsyncIterator[Manager]:
    """Open the blocks below `directory` and follow the engine meanwhile."""
    chain = Chain(directory)
    try:
        await chain.load()
        service = Manager(chain, client)
        following = asyncio.create_task(service.run(), name="following")
        try:
            yield service
        finally:
            following.cancel()
            service.validation.stop()
            with suppress(asyncio.CancelledError):
                await following
    finally:
        chain.close()
