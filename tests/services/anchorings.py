"""Session anchoring in the event loop of a test: without long waits, until an anchoring has a status."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lucid_session_anchoring import anchoring as anchoring_module

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest
    from lucid_session_anchoring.anchoring import SessionAnchoring
    from lucid_session_anchoring.models import Status
    from lucid_session_anchoring.store import Anchoring


def hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the service ask its engine every 0.1 s, and again after as long where the engine does not answer."""
    monkeypatch.setattr(anchoring_module, "INTERVAL", 0.1)
    monkeypatch.setattr(anchoring_module, "FIRST_RETRY", 0.1)
    monkeypatch.setattr(anchoring_module, "LAST_RETRY", 0.2)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    """Run a scene for 30 s at most."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scene()

    asyncio.run(bounded())


async def becomes(service: SessionAnchoring, status: Status, session: str = "s") -> Anchoring:
    """Wait until the anchoring of `session` has this status, and return it; the test bounds the time."""
    while True:
        found = await service.find(session)
        if found is not None and found.status == status:
            return found
        await asyncio.sleep(0.02)
